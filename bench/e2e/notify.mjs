// A receiver of alerts that behaves badly, and checks each message with the library of Standard Webhooks:
// node notify.mjs PORT SECRET. What it was told is at /told; POST /well makes it well.
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const [port, secret] = process.argv.slice(2);
const webhook = new Webhook(secret);
const told = {}; // by path: attempts, ids in the order they were first seen, and what was taken of each
const wrong = [];
let well = false;

const ways = {
  "/fails": (n, res) => (n < 2 ? end(res, 500) : true),
  "/later": (n, res) => (well ? true : end(res, 429, { "Retry-After": "3600" })),
  "/hangs": (n) => n > 0, // without an answer
  "/cuts": (n, res) => (n > 0 ? true : res.socket.destroy() && false),
  "/leads-astray": (n, res) => (well ? true : end(res, 307, { Location: "/astray" })),
  "/astray": () => true,
};

function end(res, status, head = {}) {
  res.writeHead(status, head).end();
  return false;
}

createServer(async (req, res) => {
  let body = "";
  for await (const part of req) body += part;
  if (req.url === "/told") return res.end(JSON.stringify({ told, wrong }));
  if (req.url === "/well") return res.end(String((well = true)));
  const one = (told[req.url] ??= { attempts: 0, ids: [], taken: [] });
  const id = req.headers["webhook-id"];
  try {
    webhook.verify(body, req.headers);
  } catch (e) {
    wrong.push(`${req.url}: ${e}`);
  }
  if (!one.ids.includes(id)) one.ids.push(id);
  if (!ways[req.url](one.attempts++, res)) return;
  const message = JSON.parse(body);
  one.taken.push({ id, alerts: message.alerts.map((a) => `${a.status} ${a.labels.alertname} ${a.labels.endpoint}`) });
  res.end();
}).listen(Number(port), "127.0.0.1", () => console.log("listening"));
