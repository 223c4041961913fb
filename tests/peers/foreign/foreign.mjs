// SPDX-License-Identifier: Apache-2.0
// A second, foreign opinion: a peer and an instance whose signatures are made and checked by the npm
// packages http-message-sig and canonicalize. Driven by JSON lines: one in, one out.
//
//   node foreign.mjs NAME CERTIFICATE PRIVATE_KEY INSTANCE_NAME GATEWAY_KEY
//   {"send": {"at", "to", "ca", "room", "text", "query"?, "cover"?}} -> {"status", "answer"}
//   {"seen": true}                                                  -> {"requests": […]}
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import readline from "node:readline";
import canonicalize from "canonicalize";
import { createSignature, verifySignature } from "http-message-sig";

const [name, certificate, privateKey, instanceName, gatewayKey] = process.argv.slice(2);
const FEDERATION = "scaiwave-federation-v1";
const UPSTREAM = "wavegate-upstream-v1";
const SEND = "/_scaiwave/federation/v1/send";

const keys = crypto.generateKeyPairSync("ed25519");
const rawPublic = keys.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
const kid = crypto.createHash("sha256").update(rawPublic).digest("base64url").slice(0, 8);

function publicKey(raw) {
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]);
  return crypto.createPublicKey({ key: spki, format: "der", type: "spki" });
}

const signer = { algorithm: "ed25519", sign: (data) => crypto.sign(null, data, keys.privateKey) };
const verifier = (key) => ({
  algorithm: "ed25519",
  verify: (data, signature) => crypto.verify(null, data, key, signature),
});
const digest = (body) =>
  `sha-256=:${crypto.createHash("sha256").update(body).digest("base64")}:`;

function signedBytes(event) {
  const { signatures, unsigned, ...rest } = event;
  return Buffer.from(canonicalize(rest));
}

function makeEvent(room, text) {
  const event = {
    id: crypto.randomUUID(),
    type: "swp.room.message",
    room_id: room,
    sender_id: `@node:${name}`,
    origin: name,
    origin_ts: Math.floor(Date.now() / 1000),
    // Members and numbers on which canonical forms like to disagree.
    content: { msgtype: "swp.text", body: text, "\u{1f600}": 1e21, "\ufb33": -0.0, n: 0.1 + 0.2 },
  };
  const signature = crypto.sign(null, signedBytes(event), keys.privateKey).toString("base64");
  event.signatures = { [name]: { [`ed25519:${kid}`]: signature } };
  return event;
}

async function send({ at, to, ca, room, text, query = "", cover }) {
  const event = makeEvent(room, text);
  const body = Buffer.from(JSON.stringify(event));
  const target = SEND + query;
  const headers = {
    Host: to,
    "Content-Type": "application/json",
    "Content-Length": String(body.length),
    "Content-Digest": digest(body),
  };
  const fields = Object.entries(headers).map(([key, value]) => ({ name: key, value }));
  const signed = await createSignature(
    {
      kind: "request", method: "POST", targetUri: `https://${to}${target}`, requestTarget: target,
      fields,
    },
    {
      label: "node",
      components: cover ?? ["content-digest", "@path", "@query", "@authority", "@method"],
      parameters: {
        created: Math.floor(Date.now() / 1000),
        keyid: `${name}#${kid}`,
        alg: "ed25519",
        nonce: crypto.randomBytes(24).toString("base64url"),
        tag: FEDERATION,
      },
      signer,
    },
  );
  headers["Signature-Input"] = signed.signatureInput;
  headers["Signature"] = signed.signature;
  const [host, port] = at.split(":");
  const answer = await ask({
    host, port, servername: to, ca: fs.readFileSync(ca), method: "POST", path: target, headers,
    agent: false,
  }, body);
  return { ...answer, event };
}

function ask(options, body) {
  return new Promise((resolve, reject) => {
    const request = https.request(options, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({
        status: response.statusCode, answer: JSON.parse(Buffer.concat(parts).toString()),
      }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

// The instance: both signatures, the digest and the event, each by packages that are not the gateway's.
const seen = [];

// What a peer must cover is the gateway's judgement; what the gateway covers is ours.
const coveredUpstream = ["@method", "@authority", "@path", "content-digest"];

function verify(request, fields, tag, label, key, scheme) {
  return verifySignature(
    {
      kind: "request", method: request.method, fields,
      targetUri: `${scheme}://${request.headers.host}${request.url}`,
      requestTarget: request.url,
    },
    {
      label,
      policy: {
        algorithms: ["ed25519"],
        requiredComponents: tag === UPSTREAM ? coveredUpstream : [],
        requiredParameters: ["created", "keyid", "nonce", "tag"],
        maxAge: 60,
        clockSkew: 5,
        validate: ({ parameters }) => parameters.tag === tag,
      },
      resolveVerifier: () => verifier(key),
    },
  );
}

async function judge(request, body) {
  const fields = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2)
    fields.push({ name: request.rawHeaders[i], value: request.rawHeaders[i + 1] });
  if (request.headers["content-digest"] !== digest(body)) throw new Error("digest");
  const gateway = publicKey(Buffer.from(gatewayKey.replace("ed25519:", ""), "base64"));
  const upstream = await verify(request, fields, UPSTREAM, "gw", gateway, "http");
  if (upstream.parameters.keyid.split("#")[0] !== instanceName) throw new Error("gw keyid");
  await verify(request, fields, FEDERATION, "node", keys.publicKey, "https");
  const event = JSON.parse(body);
  const signature = Buffer.from(event.signatures[name][`ed25519:${kid}`], "base64");
  if (!crypto.verify(null, signedBytes(event), keys.publicKey, signature)) throw new Error("event");
  return event;
}

const instance = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", async () => {
    const note = { headers: request.rawHeaders };
    seen.push(note);
    let status = 200, answer;
    try {
      const event = await judge(request, Buffer.concat(parts));
      note.verified = true;
      answer = { status: "accepted", id: event.id };
    } catch (error) {
      note.verified = false;
      note.reason = `${error.code ?? ""} ${error.message}`;
      status = 401;
      answer = { error: { code: "SW_FED_SIGNATURE_MISMATCH", message: note.reason } };
    }
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(answer));
  });
});

const peer = https.createServer(
  { cert: fs.readFileSync(certificate), key: fs.readFileSync(privateKey) },
  (request, response) => {
    response.writeHead(request.url === "/.well-known/scaiwave/server" ? 200 : 404,
      { "Content-Type": "application/json" });
    response.end(JSON.stringify({
      server_name: name,
      public_key: "ed25519:" + rawPublic.toString("base64"),
      protocol_versions: ["v1"],
      endpoints: {
        send: SEND,
        profile: "/_scaiwave/federation/v1/profile/{local_id}",
        members: "/_scaiwave/federation/v1/rooms/{room_id}/members",
        backfill: "/_scaiwave/federation/v1/rooms/{room_id}/backfill",
      },
    }));
  },
);

const listening = (server) => new Promise((resolve) => {
  server.listen(0, "127.0.0.1", () => resolve(`127.0.0.1:${server.address().port}`));
});
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

say({ peer: await listening(peer), instance: await listening(instance), kid });
for await (const line of readline.createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  try {
    say(asked.send ? await send(asked.send) : { requests: seen });
  } catch (error) {
    say({ error: `${error.code ?? ""} ${error.message}` });
  }
}
process.exit(0);
