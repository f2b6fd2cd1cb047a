// What clients of Ollama's and of Anthropic's API make of the gateway's errors: node apis.mjs GATEWAY
// The server behind it answers by the model's name: "die" closes before an answer, "cut" inside a stream.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { Ollama } from "ollama";

const gateway = process.argv[2];
const ollama = new Ollama({ host: gateway });
const anthropic = new Anthropic({ apiKey: "sk-test", baseURL: gateway, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello" }];
const failure = async (promise) => promise.then(() => assert.fail("no error"), (e) => e);

const steps = {
  async "ollama: an error is a sentence"() {
    const e = await failure(ollama.chat({ model: "die", messages }));
    assert.equal(e.name, "ResponseError");
    assert.equal(e.status_code, 502);
    assert.match(e.message, /^endpoint one: closed the connection before it answered.* \(closed_before_answer\)$/);
  },
  async "ollama: a stream that is cut throws, after what came"() {
    let text = "";
    const e = await failure((async () => {
      for await (const part of await ollama.chat({ model: "cut", messages, stream: true })) text += part.message.content;
    })());
    assert.equal(text, "Hello");
    assert.match(e.message, /^endpoint one: the answer was cut short.* \(truncated_answer\)$/);
  },
  async "anthropic: an error has its type, its sentence and the request's name"() {
    const e = await failure(anthropic.messages.create({ model: "die", max_tokens: 8, messages }));
    assert.ok(e instanceof Anthropic.InternalServerError, `${e?.constructor?.name}: ${e}`);
    assert.equal(e.status, 502);
    assert.equal(e.error.type, "error");
    assert.equal(e.error.error.type, "api_error");
    assert.match(e.error.error.message, /^endpoint one: closed the connection/);
    assert.match(e.requestID, /^[0-9a-f]{32}$/);
    assert.equal(e.error.request_id, e.requestID);
    assert.equal(e.headers.get("x-request-id"), e.requestID);
  },
  async "anthropic: a stream that is cut throws, after what came"() {
    const seen = [];
    const e = await failure((async () => {
      for await (const event of await anthropic.messages.create({ model: "cut", max_tokens: 8, messages, stream: true })) seen.push(event.type);
    })());
    assert.deepEqual(seen, ["message_start"]);
    assert.ok(e instanceof Anthropic.APIError, `${e?.constructor?.name}: ${e}`);
    assert.equal(e.error.error.type, "api_error");
    assert.match(e.error.error.message, /the answer was cut short/);
  },
};

for (const [name, step] of Object.entries(steps)) {
  await step();
  console.log("ok  ", name);
}
