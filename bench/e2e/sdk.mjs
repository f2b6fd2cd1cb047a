// What an application does with the OpenAI SDK, against a gateway: node sdk.mjs GATEWAY SERVER...
import assert from "node:assert/strict";
import OpenAI from "openai";

const [gateway, ...servers] = process.argv.slice(2);
const client = new OpenAI({ apiKey: "sk-test", baseURL: gateway + "/v1", maxRetries: 0 });
const model = "steelyard-demo";
const messages = [{ role: "user", content: "Hello" }];

const fault = (kind) => Promise.all(servers.map((s) => fetch(`${s}/fault?kind=${kind}`, { method: "POST" })));
const total = async (key) => {
  const all = await Promise.all(servers.map((s) => fetch(s + "/stats").then((r) => r.json())));
  return all.reduce((sum, one) => sum + one[key], 0);
};
const until = async (what, condition) => {
  for (const end = Date.now() + 15000; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((r) => setTimeout(r, 20));
  }
  assert.fail("in vain: " + what);
};
const rejects = async (promise) => promise.then(() => assert.fail("no error"), (error) => error);

const steps = {
  async "chat completion"() {
    const answer = await client.chat.completions.create({ model, messages, max_tokens: 8 });
    assert.equal(answer.object, "chat.completion");
    assert.ok(answer.choices[0].message.content.length > 0);
    assert.ok(answer.usage.completion_tokens > 0);
  },
  async "streaming, with usage"() {
    const stream = await client.chat.completions.create({
      model, messages, max_tokens: 20, stream: true, stream_options: { include_usage: true },
    });
    let chunks = 0, usage;
    for await (const chunk of stream) {
      chunks++;
      usage = chunk.usage ?? usage;
    }
    assert.ok(chunks > 5, `only ${chunks} chunks`);
    assert.ok(usage.completion_tokens > 0);
  },
  async "models, with a slash in the name"() {
    const list = await client.models.list();
    assert.ok(list.data.some((m) => m.id === model));
    const error = await rejects(client.models.retrieve("Qwen/Qwen2.5-7B"));
    assert.ok(error instanceof OpenAI.NotFoundError, String(error));
  },
  async "a stream that is aborted stops the server"() {
    const before = await total("aborted");
    const stream = await client.chat.completions.create({ model, messages, max_tokens: 5000, stream: true });
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      stream.controller.abort();
      break;
    }
    await until("the server counts the abort", async () => (await total("aborted")) === before + 1);
    await until("nothing is in flight", async () => (await total("in_flight")) === 0);
  },
  async "errors of the server pass"() {
    await fault("error-500");
    const error = await rejects(client.chat.completions.create({ model, messages }));
    assert.ok(error instanceof OpenAI.InternalServerError, String(error));
    assert.equal(error.status, 500);
    await fault("none");
  },
  async "an unknown model is 404 in the API's shape"() {
    const error = await rejects(client.chat.completions.create({ model: "no-such-model", messages }));
    assert.ok(error instanceof OpenAI.NotFoundError, String(error));
    assert.ok(error.code);
  },
  async "an answer that is cut is an error, never an end"() {
    await fault("cut-stream");
    const error = await rejects(
      (async () => {
        const stream = await client.chat.completions.create({ model, messages, max_tokens: 200, stream: true });
        for await (const chunk of stream) assert.ok(chunk);
      })(),
    );
    assert.match(String(error.message ?? error), /cut short|terminated|error/i);
    await fault("none");
  },
  async "a connection that is reset is an error in the API's shape"() {
    await fault("reset");
    const error = await rejects(client.chat.completions.create({ model, messages }));
    assert.ok(error instanceof OpenAI.APIError, String(error));
    assert.ok([502, 503].includes(error.status), String(error.status));
    assert.ok(error.code, "no code");
    await fault("none");
  },
};

for (const [name, step] of Object.entries(steps)) {
  await step();
  console.log("ok", name);
}
