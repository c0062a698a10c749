// A shop session with an official browser library, in Chromium: browser_session.mjs LIBRARY URL KEY CHROMIUM.
// For each line of its input there is another visit to the shop: it prints the marks of the messages that were
// sent, as a JSON list. The page stays open until its input ends.
// Nothing but host and key is set.
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [library, url, key, executablePath] = process.argv.slice(2);

const SCRIPTS = {
  segment: "@segment/analytics-next/dist/umd/index.js",
  rudder: "@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js",
};

// The page has another origin than the hub, as every shop has.
const site = createServer((request, response) => {
  const path = normalize(new URL(request.url, "http://site").pathname);
  if (!path.endsWith(".js")) {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><title>Shop</title><script src="/${SCRIPTS[library.split("-")[0]]}"></script>`);
    return;
  }
  response.setHeader("content-type", "text/javascript; charset=utf-8");
  createReadStream(join("node_modules", path)).on("error", () => response.writeHead(404).end()).pipe(response);
});
await new Promise((listening) => site.listen(0, "127.0.0.1", listening));

async function load({ library, url, key }) {
  const batching = { integrations: { "Segment.io": { deliveryStrategy: { strategy: "batching" } } } };
  if (library.startsWith("segment")) {
    const options = library === "segment-batching" ? batching : {};
    [window.client] = await window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: key, cdnURL: url }, options);
  } else {
    window.client = new window.rudderanalytics.RudderAnalytics();
    window.client.load(key, url, { configUrl: url });
    await new Promise((ready) => window.client.ready(ready));
  }
}

function visit(number) {
  const marks = [];
  const mark = (word) => {
    marks.push(`${word}-${number}-${marks.length}`);
    return marks.at(-1);
  };
  const client = window.client;
  client.page("Docs", "Home", { n: mark("page") });
  client.identify(`user-${number}`, { n: mark("identify"), email: `user-${number}@example.com` });
  client.group("group", { n: mark("group") });
  client.alias(`user-${number}`, mark("alias"));
  for (let product = 0; product < 8; product++) {
    client.track("Product Added", { n: mark("track"), product_id: `p${product}`, price: 9.5 });
  }
  return marks;
}

const browser = await chromium.launch({
  executablePath,
  headless: true,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  const page = await browser.newPage();
  page.on("console", (said) => console.error(`${said.type()}: ${said.text()}`));
  page.on("pageerror", (fault) => console.error(fault));
  await page.goto(`http://127.0.0.1:${site.address().port}/`);
  await page.evaluate(load, { library, url, key });
  let number = 0;
  for await (const _ of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await page.evaluate(visit, number++)));
  }
} finally {
  await browser.close();
  site.close();
}
