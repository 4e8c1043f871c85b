// Steps of the scenarios beyond single requests. Artillery calls these functions by name.
"use strict";

const { readFile } = require("node:fs/promises");
const { join } = require("node:path");
const { setTimeout: sleep } = require("node:timers/promises");

const ROWS = 100;
const FINISHED = ["completed", "failed", "cancelled"];
const POLL_MS = 250;
const LONGEST_ACTION_MS = 60_000;

async function get(context, path) {
  const answer = await fetch(context.vars.target + path, { headers: { "account-id": context.vars.account } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()).data;
}

// Waits for the end of the action and requires an outcome for every row.
async function finish(context) {
  const { actionId } = context.vars;
  const deadline = Date.now() + LONGEST_ACTION_MS;
  let action = await get(context, `/bulk-actions/${actionId}`);
  while (!FINISHED.includes(action.status)) {
    if (Date.now() > deadline) throw new Error(`action ${actionId} is still ${action.status}`);
    await sleep(POLL_MS);
    action = await get(context, `/bulk-actions/${actionId}`);
  }
  const stats = await get(context, `/bulk-actions/${actionId}/stats`);
  if (action.status !== "completed" || stats.totalRecords !== ROWS || stats.successfulRecords !== ROWS) {
    throw new Error(`action ${actionId} is ${action.status} with ${stats.successfulRecords} of ${ROWS} rows`);
  }
}

// Before a scenario: chooses the account that the user keeps throughout.
async function chooseAccount(context) {
  context.vars.account = `load-${1 + Math.floor(Math.random() * 20)}`;
}

// Before the scenarios of rate-limit.yml: an account that exceeds its limit, and one that does not.
async function beEager(context) {
  context.vars.account = "eager";
}

async function beModest(context) {
  context.vars.account = "modest";
}

// After an upload: waits until its rows are applied.
async function followAction(context, events) {
  const start = Date.now();
  await finish(context);
  events.emit("histogram", "action.end_ms", Date.now() - start);
  events.emit("counter", "action.completed", 1);
}

// Before the reads: uploads something to read.
async function prepareReads(context) {
  context.vars.account = "load-reads";
  const form = new FormData();
  form.set("entityType", "contact");
  form.set("actionType", "bulk_upsert");
  form.set("file", new Blob([await readFile(join(__dirname, "contacts.csv"))], { type: "text/csv" }), "contacts.csv");
  const answer = await fetch(`${context.vars.target}/bulk-actions`, {
    method: "POST",
    headers: { "account-id": context.vars.account },
    body: form,
  });
  if (answer.status !== 201) throw new Error(`the upload was answered with ${answer.status}`);
  context.vars.actionId = (await answer.json()).data.id;
  await finish(context);
}

// After a response: it is accepted, or the excessive account is limited as documented.
function countLimit(request, response, context, events, done) {
  const { account } = context.vars;
  const isRefused = response.statusCode === 429;
  if (!isRefused && response.statusCode !== 200) return done(new Error(`an answer with ${response.statusCode}`));
  if (isRefused && account === "modest") return done(new Error("an account within its limit was refused"));
  if (isRefused && !isProperRefusal(response)) return done(new Error("a 429 that does not say when to come back"));
  events.emit("counter", `${account}.${isRefused ? "refused" : "allowed"}`, 1);
  return done();
}

function isProperRefusal(response) {
  return Number(response.headers["retry-after"]) >= 1 && JSON.parse(response.body).error.code === "rate_limited";
}

module.exports = { beEager, beModest, chooseAccount, countLimit, followAction, prepareReads };
