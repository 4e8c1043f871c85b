// Shared parts of the browser tests: a browser, a page that fails on forbidden behaviour, files, tokens, and orders to
// the platform (executed by crates/e2e/tests/page/stage.rs).
import { createHmac, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const URL_ROOT = process.env.PAGE_URL;
export const HOME = `${URL_ROOT}/app/`;
const { CHROMIUM, ORDERS, JWT_SECRET, SCREENSHOTS } = process.env;
const DEADLINE_MS = 30_000;

/** A file of this folder's `files`. */
export function sample(name) {
  return fileURLToPath(new URL(`files/${name}`, import.meta.url));
}

/** A browser for one test file. */
export async function openBrowser() {
  // As root in a container, Chromium has no sandbox.
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** A tab of its own; `look` is light, dark or phone. What it does wrong is thrown by `check`. */
export async function openPage(browser, look = "light") {
  const context = await browser.newContext({
    colorScheme: look === "dark" ? "dark" : "light",
    viewport: look === "phone" ? { width: 390, height: 844 } : { width: 1280, height: 800 },
    reducedMotion: "reduce",
    acceptDownloads: true,
    locale: "en-US",
    timezoneId: "Europe/Berlin",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => {
    // Chromium logs every error response; the test decides which are expected.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) wrong.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(URL_ROOT)) wrong.push(`a request left the host: ${request.url()}`);
  });
  page.check = () => {
    if (wrong.length > 0) throw new Error(wrong.join("\n"));
  };
  return page;
}

/** A tab that is signed in as `account`, where account ids are believed. */
export async function signedIn(browser, look, account = "demo") {
  const page = await openPage(browser, look);
  await page.request.post(`${URL_ROOT}/session`, { data: { account } });
  await page.goto(HOME);
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  return page;
}

/** A token as whoever runs the service makes them. */
export function token(account, scope, seconds = 600) {
  const part = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
  const claims = { sub: account, exp: Math.floor(Date.now() / 1000) + seconds, ...(scope === undefined ? {} : { scope }) };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", JWT_SECRET).update(signed).digest("base64url")}`;
}

/** Has the platform do something, such as `kill api`, and waits until it is done. */
export async function order(text) {
  const name = join(ORDERS, randomUUID());
  // Renamed into place, so that a partial file is never read. The draft is in another folder for the same reason.
  const draft = join(ORDERS, "..", `${randomUUID()}.draft`);
  writeFileSync(draft, text);
  renameSync(draft, name);
  while (existsSync(name)) await pause(20);
}

/** The answer's `data`, as the account of the page's session. */
export async function ask(page, path) {
  const answer = await page.request.get(`${URL_ROOT}${path}`);
  const body = await answer.json();
  if (!answer.ok()) throw new Error(`${path}: ${JSON.stringify(body)}`);
  return body.data;
}

/** Uploads past the page, for tests of what comes after; the action's id. */
export async function uploaded(page, csv, fields = {}, name = "contacts.csv") {
  const answer = await page.request.post(`${URL_ROOT}/bulk-actions`, {
    headers: { origin: URL_ROOT },
    multipart: {
      entityType: "contact",
      actionType: "bulk_upsert",
      ...fields,
      file: { name, mimeType: "text/csv", buffer: Buffer.from(csv) },
    },
  });
  const body = await answer.json();
  if (!answer.ok()) throw new Error(JSON.stringify(body));
  return body.data.id;
}

/** Waits until the API says that it is so. */
export async function until(page, path, isSo) {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const data = await ask(page, path);
    if (isSo(data)) return data;
    if (Date.now() > end) throw new Error(`${path} is not as wanted: ${JSON.stringify(data)}`);
    await pause(50);
  }
}

/** A CSV file of this many contacts. */
export function contacts(rows, line = (n) => `user${n}@example.com,User ${n},${n % 100}`) {
  return `email,name,age\n${Array.from({ length: rows }, (_, n) => `${line(n + 1)}\n`).join("")}`;
}

/** Chooses a file as somebody does who has no mouse to drop it with. */
export async function choose(page, file) {
  await page.locator("input[type=file]").first().setInputFiles(file);
}

/** A picture for the documentation, where the variable SCREENSHOTS names a folder for them. */
export async function picture(page, name) {
  if (!SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

/** Asserts that axe finds nothing wrong with what is shown. */
export async function accessible(page, what) {
  // Evaluated in the page, whose policy allows no script tag.
  const source = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
  await page.evaluate(source);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map(({ html }) => `    ${html}`).join("\n")}`);
  if (found.length > 0) throw new Error(`${what}:\n${found.join("\n")}`);
}
