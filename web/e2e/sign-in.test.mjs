// Signing in with a token: valid, invalid, limited, expired.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, HOME, openBrowser, openPage, token, uploaded, URL_ROOT } from "./stage.mjs";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

async function signIn(page, secret) {
  await page.getByLabel("Token").fill(secret);
  await page.keyboard.press("Enter");
}

test("a token that proves nothing is refused in the server's words", async () => {
  const page = await openPage(browser);
  await page.goto(HOME);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await accessible(page, "sign-in");
  await signIn(page, "nonsense");
  await page.getByText("The token is not valid or has expired").waitFor();
  await accessible(page, "refused sign-in");
  page.check();
  for (const look of ["dark", "phone"]) {
    const other = await openPage(browser, look);
    await other.goto(HOME);
    await other.getByRole("heading", { name: "Sign in" }).waitFor();
    await accessible(other, `sign-in, ${look}`);
  }
});

test("a good token signs in, and scripts cannot get at it", async () => {
  const page = await openPage(browser);
  // The requested screen is kept across the sign-in.
  await page.goto(`${HOME}entities/product`);
  const secret = token("acme");
  await signIn(page, secret);
  await page.getByRole("heading", { name: "Records" }).waitFor();
  assert.equal(await page.evaluate(() => document.cookie), "");
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.ok(!stored.includes(secret));
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, "Strict", "/"]);
  await page.reload();
  await page.getByRole("heading", { name: "Records" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.deepEqual(await page.context().cookies(), []);
  page.check();
});

test("who may only look sees no buttons that would change anything", async () => {
  const writer = await openPage(browser);
  await writer.request.post(`${URL_ROOT}/session`, { data: { token: token("reader") } });
  const id = await uploaded(writer, "email,name\nada@example.com,Ada\nnobody,N\n");

  const page = await openPage(browser);
  await page.goto(HOME);
  await signIn(page, token("reader", "bulk:read"));
  await page.getByText("Read-only").waitFor();
  await page.getByRole("link", { name: "contacts.csv" }).click();
  await page.getByRole("heading", { name: "contacts.csv" }).waitFor();
  await page.getByRole("link", { name: "Failed rows", exact: true }).waitFor();
  await accessible(page, "read-only action");
  assert.deepEqual(await page.getByRole("button", { name: /Pause|Cancel|Resume|Try again|Upload/ }).count(), 0);
  await page.goto(`${HOME}new`);
  await page.getByText("Your token may only look").waitFor();
  // The server would reject it too.
  const refused = await page.request.post(`${URL_ROOT}/bulk-actions/${id}/cancel`, { headers: { origin: URL_ROOT } });
  assert.equal(refused.status(), 403);
  page.check();
});

test("who may not even look is told so by the server", async () => {
  const page = await openPage(browser);
  await page.goto(HOME);
  await signIn(page, token("nobody", ""));
  await page.getByText("The scope bulk:read is missing").waitFor();
  page.check();
});

test("a session ends with its token", async () => {
  const page = await openPage(browser);
  await page.goto(HOME);
  // The service accepts a token for five seconds after its expiry, for differing clocks.
  await signIn(page, token("acme", undefined, 4));
  await page.getByRole("heading", { name: "Actions" }).waitFor();
  await page.waitForTimeout(5_000);
  await page.reload();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  page.check();
});

test("a page of another site cannot use the session", async () => {
  const page = await openPage(browser);
  await page.request.post(`${URL_ROOT}/session`, { data: { token: token("acme") } });
  // Another origin, which the browser treats as another site.
  const foreign = URL_ROOT.replace("127.0.0.1", "localhost");
  await page.goto(`${foreign}/health`);
  const statuses = await page.evaluate(async (target) => {
    const form = new FormData();
    form.append("entityType", "contact");
    const asked = [
      fetch(`${target}/bulk-actions`, { method: "POST", body: form, credentials: "include", mode: "no-cors" }),
      fetch(`${target}/bulk-actions`, { credentials: "include" }),
    ];
    return (await Promise.allSettled(asked)).map(({ status, value }) => (status === "fulfilled" ? value.type : status));
  }, URL_ROOT);
  assert.notEqual(statuses[1], "basic");
  await page.goto(HOME);
  await page.getByText("Drop a file here").waitFor();
});
