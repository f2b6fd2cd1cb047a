// What an application sees with the OpenAI and the Anthropic SDK while it waits for a server: node waiting.mjs GATEWAY
import assert from "node:assert/strict";
import OpenAI from "openai";
import Anthropic from "@anthropic-ai/sdk";

const [gateway] = process.argv.slice(2);
const ask = { model: "steelyard-demo", messages: [{ role: "user", content: "Hello" }], max_tokens: 8, stream: true };
const openai = (path) => new OpenAI({ apiKey: "sk-test", baseURL: gateway + path, maxRetries: 0 });

let text = "";
for await (const chunk of await openai("/v1").chat.completions.create(ask)) text += chunk.choices[0]?.delta?.content ?? "";
assert.equal(text.trim().split(/\s+/).length, 8, "the stream that was held is whole");

const failure = async (stream) => {
  try {
    for await (const _ of await stream()) assert.fail("nothing can come");
  } catch (e) {
    return e;
  }
  assert.fail("the stream ended as if it were whole");
};
const told = await failure(() => openai("/never/v1").chat.completions.create(ask));
assert.ok(told instanceof OpenAI.APIError, String(told));
assert.equal(told.code, "queue_timeout");

const anthropic = new Anthropic({ apiKey: "sk-test", baseURL: gateway + "/never", maxRetries: 0 });
const said = await failure(() => anthropic.messages.create(ask));
assert.ok(said instanceof Anthropic.APIError, String(said));
assert.match(said.message, /queue_timeout/);
console.log("ok");
