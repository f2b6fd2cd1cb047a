// What an application does with the OpenAI SDK, against a gateway: node sdk.mjs GATEWAY ADMIN SERVER...
// Each step stands alone: it may make the servers ill, and they are made well again after it.
import assert from "node:assert/strict";
import OpenAI from "openai";

const [gateway, admin, ...servers] = process.argv.slice(2);
const client = new OpenAI({ apiKey: "sk-test", baseURL: gateway + "/v1", maxRetries: 0 });
const model = "steelyard-demo";
const messages = [{ role: "user", content: "Hello" }];
const chat = (options, more) => client.chat.completions.create({ model, messages, ...options }, more);

const fault = (kind) => Promise.all(servers.map((s) => fetch(`${s}/fault?kind=${kind}`, { method: "POST" })));
const total = async (key) => {
  const all = await Promise.all(servers.map((s) => fetch(s + "/stats").then((r) => r.json())));
  return all.reduce((sum, one) => sum + one[key], 0);
};
const until = async (what, condition) => {
  for (const end = Date.now() + 30000; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((r) => setTimeout(r, 20));
  }
  assert.fail("in vain: " + what);
};
const serving = async () => (await fetch(admin + "/readyz?upstreams=1")).ok;

const users = async () => (await (await fetch(admin + "/api/v1/usage?by=user")).json()).rows;

// The error that a promise ends with, which must be one that applications can catch as the SDK's.
const error = async (promise) => {
  const e = await promise.then(() => assert.fail("no error"), (e) => e);
  assert.ok(e instanceof OpenAI.APIError, `${e?.constructor?.name}: ${e}`);
  return e;
};
const read = async (stream, each = () => {}) => {
  let text = "";
  for await (const chunk of await stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    await each(chunk);
  }
  return text;
};

const steps = {
  async "chat completion"() {
    const answer = await chat({ max_tokens: 8 });
    assert.equal(answer.object, "chat.completion");
    assert.ok(answer.choices[0].message.content.length > 0);
    assert.equal(answer.choices[0].finish_reason, "length");
    assert.equal(answer.usage.completion_tokens, 8);
  },
  async "text completion"() {
    const answer = await client.completions.create({ model, prompt: "Hello", max_tokens: 4 });
    assert.ok(answer.choices[0].text.length > 0);
  },
  async "a stream, with usage at its end"() {
    let chunks = 0, usage, finish;
    const text = await read(chat({ max_tokens: 20, stream: true, stream_options: { include_usage: true } }), (chunk) => {
      chunks++;
      usage = chunk.usage ?? usage;
      finish = chunk.choices[0]?.finish_reason ?? finish;
    });
    assert.equal(chunks, 22, "a chunk for each token, one for the end, one for the usage");
    assert.equal(text.trim().split(/\s+/).length, 20);
    assert.equal(finish, "length");
    assert.equal(usage.completion_tokens, 20);
  },
  async "chunks arrive while the rest is still to be made"() {
    let chunks = 0;
    await read(chat({ max_tokens: 100, stream: true }), async () => ++chunks === 1 && assert.equal(await total("in_flight"), 1));
    assert.equal(chunks, 101);
  },
  async "models: the list, one, and one with a slash in its name"() {
    const list = await client.models.list();
    assert.deepEqual(list.data.map((m) => m.id), [model]);
    assert.equal((await client.models.retrieve(model)).id, model);
    const e = await error(client.models.retrieve("Qwen/Qwen2.5-7B"));
    assert.ok(e instanceof OpenAI.NotFoundError);
    assert.equal(e.code, "model_not_found");
    assert.match(e.message, /"Qwen\/Qwen2\.5-7B"/, "the server was asked for another name");
  },
  async "a stream that is aborted ends the server's work"() {
    const before = await total("aborted");
    const leaver = new AbortController();
    const broken = await read(chat({ max_tokens: 4000, stream: true }, { signal: leaver.signal }), () => leaver.abort()).catch((e) => e);
    assert.ok(typeof broken === "string" || broken instanceof OpenAI.APIUserAbortError, String(broken));
    await until("the server counts one abort", async () => (await total("aborted")) === before + 1);
    assert.equal(await total("in_flight"), 0);
  },
  async "a request that is aborted before its answer ends the server's work"() {
    const before = await total("aborted");
    const leaver = new AbortController();
    const asked = chat({ max_tokens: 4000 }, { signal: leaver.signal });
    asked.catch(() => {}); // looked at below
    await until("the server works", async () => (await total("in_flight")) === 1);
    leaver.abort();
    assert.ok((await error(asked)) instanceof OpenAI.APIUserAbortError);
    await until("the server counts one abort", async () => (await total("aborted")) === before + 1);
    assert.equal(await total("in_flight"), 0);
  },
  async "a bad request is the server's 400"() {
    const e = await error(client.chat.completions.create({ model }));
    assert.ok(e instanceof OpenAI.BadRequestError);
    assert.equal(e.status, 400);
    assert.equal(e.param, "messages");
    assert.equal(e.type, "invalid_request_error");
  },
  async "an unknown model is the server's 404"() {
    const e = await error(chat({ model: "no-such-model" }));
    assert.ok(e instanceof OpenAI.NotFoundError);
    assert.equal(e.status, 404);
    assert.equal(e.code, "model_not_found");
  },
  async "the server's own errors pass as they are"() {
    await fault("error-500");
    const failed = await error(chat({}));
    assert.ok(failed instanceof OpenAI.InternalServerError);
    assert.equal(failed.status, 500);
    assert.equal(failed.type, "server_error");
    await fault("busy");
    const full = await error(chat({}));
    assert.ok(full instanceof OpenAI.RateLimitError);
    assert.equal(full.status, 429);
    assert.equal(full.headers.get("retry-after"), "1");
    await fault("error-event");
    const late = await error(read(chat({ stream: true })));
    assert.match(late.message, /the engine failed/);
  },
  async "a stream that is cut is an error that says so, never an end"() {
    await fault("cut-stream");
    let text = "";
    const e = await error(read(chat({ max_tokens: 40, stream: true }), (chunk) => (text += chunk.choices[0].delta.content)));
    assert.equal(e.code, "truncated_answer");
    assert.match(e.message, /endpoint (small|large|medium)/);
    assert.equal(text.trim().split(/\s+/).length, 20, "what came before the cut arrived");
  },
  async "an answer that is cut is an error, never an answer"() {
    await fault("cut-stream");
    const e = await chat({ max_tokens: 40 }).then(() => assert.fail("no error"), (e) => e);
    assert.ok(e instanceof Error && !(e instanceof assert.AssertionError), String(e));
  },
  async "a connection that is reset is a 502 that names the endpoint"() {
    await fault("reset");
    const e = await error(chat({}));
    assert.equal(e.status, 502);
    assert.equal(e.code, "closed_before_answer");
    assert.match(e.message, /endpoint (small|large|medium)/);
  },
  async "a connection that is reset inside a stream is an error"() {
    let chunks = 0;
    const e = await error(read(chat({ max_tokens: 400, stream: true }), async () => ++chunks === 3 && (await fault("reset"))));
    assert.ok(e.code, "no code");
    assert.ok(chunks < 400);
  },
  async "no server left is a 503 at once, and the SDK's own retries live through it"() {
    await fault("fail-health");
    await until("all are out", async () => !(await serving()));
    const e = await error(chat({}));
    assert.equal(e.status, 503);
    assert.equal(e.code, "no_endpoint");
    assert.equal(e.headers.get("retry-after"), "1");
    const patient = chat({ max_tokens: 4 }, { maxRetries: 10 });
    await fault("none");
    assert.equal((await patient).usage.completion_tokens, 4);
  },
  async "retries and tokens are counted as the SDK counts them"() {
    const count = { requests: 0, retries: 0, prompt: 0, completion: 0 };
    const retrying = new OpenAI({
      apiKey: "sk-of-the-retries", baseURL: gateway + "/v1", maxRetries: 2,
      fetch: (url, init) => {
        count.requests++;
        if (Number(new Headers(init.headers).get("x-stainless-retry-count")) > 0) count.retries++;
        return fetch(url, init);
      },
    });
    const before = await users();
    const ask = async () => {
      const answer = await retrying.chat.completions.create({ model, messages, max_tokens: 4 }, { timeout: 90_000 });
      count.prompt += answer.usage.prompt_tokens;
      count.completion += answer.usage.completion_tokens;
    };
    await ask();
    await fault("error-500");
    await error(ask());
    const patient = ask(); // its first try fails, and then the servers are well again
    await until("it has failed once", async () => count.requests === 5);
    await fault("none");
    await patient;
    assert.ok(count.retries >= 3, "the SDK has tried again " + count.retries + " times");
    let mine;
    await until("the gateway has counted all", async () => {
      mine = (await users()).find((u) => !before.some((b) => b.key === u.key));
      return mine?.requests === count.requests;
    });
    assert.match(mine.key, /^key:[0-9a-f]{12}$/);
    assert.equal(mine.retries, count.retries);
    assert.equal(mine.prompt_tokens, count.prompt);
    assert.equal(mine.completion_tokens, count.completion);
    assert.equal(mine.client_timeout_s, 90, "what the SDK says that it waits");
  },
};

for (const [name, step] of Object.entries(steps)) {
  await until("all servers are in", serving);
  await step();
  console.log("ok  ", name);
  await fault("none");
}
