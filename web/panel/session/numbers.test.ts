import { expect, it } from "vitest";
import { dialable, searchable } from "./numbers";

it.each([
  ["+12025550143", "+12025550143"],
  ["sip:+12025550143@example.com", "+12025550143"],
  ["(202) 555-0147", "2025550147"],
  ["anonymous", null],
  ["", null],
  [undefined, null],
  ["123", null],
  ["O'Neil", null],
])("searches for %s as %s", (address, expected) => {
  expect(searchable(address)).toBe(expected);
});

it.each([
  ["(202) 555-0147", "US", "+12025550147"],
  ["1-202-555-0147", "US", "+12025550147"],
  ["+39 06 5550 0123", "US", "+390655500123"],
  ["tel:+12025550147", "IT", "+12025550147"],
  ["+1 202 555 0147 ext. 12", "US", "+12025550147"],
  ["06 5550 0123", "IT", null],
  ["911", "US", null],
  ["javascript:alert(1)", "US", null],
  ["", "US", null],
])("dials %s from %s as %s", (number, region, expected) => {
  expect(dialable(number, region)).toBe(expected);
});
