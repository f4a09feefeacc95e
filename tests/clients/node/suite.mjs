// Named checks: each prints `ok NAME`, `not ok NAME: why` or `skip NAME: why`, which tests/run adds up.

import { readFileSync } from "node:fs";

/** What run.py prepared: issuer, authority, clients, people. */
export const facts = JSON.parse(readFileSync(process.env.FACTS, "utf8"));

/** The whole story of an error: openid-client keeps the server's answer in `cause`. */
function story(error) {
  const told = [error?.message ?? String(error)];
  for (let cause = error?.cause; cause; cause = cause.cause) {
    told.push(cause instanceof Error ? cause.message : JSON.stringify(cause.body ?? cause));
  }
  if (error?.error) told.push(`${error.error}: ${error.error_description ?? ""}`);
  return told.join(" ← ").replace(/\s+/g, " ").slice(0, 900);
}

/** A suite of checks under one name. */
export class Suite {
  passed = 0;
  failed = 0;
  skipped = 0;

  constructor(name) {
    this.name = name;
  }

  /** Runs one check; what it returns is handed on, undefined if it failed. */
  async check(title, run) {
    const name = `${this.name}: ${title}`;
    try {
      const value = await run();
      this.passed += 1;
      console.log(`ok ${name}`);
      return value;
    } catch (error) {
      this.failed += 1;
      console.log(`not ok ${name}: ${story(error)}`);
      if (process.env.TRACE) console.error(error);
      return undefined;
    }
  }

  /** Runs it only where metadata says that the server does this at all. */
  async where(advertised, title, run) {
    if (advertised) return this.check(title, run);
    this.skipped += 1;
    console.log(`skip ${this.name}: ${title}: not advertised`);
    return undefined;
  }

  /** The count, and the exit code. */
  end() {
    console.log(`${this.name}: ${this.passed} ok, ${this.failed} not ok, ${this.skipped} skipped`);
    process.exit(this.failed ? 1 : 0);
  }
}
