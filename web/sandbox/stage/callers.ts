/** Who may call on the stage: some of the seeded customers, and the callers that are no customers. */

export interface Caller {
  key: string;
  name: string;
  from: string;
  hint: string;
}

export const CALLERS: Caller[] = [
  { key: "anna", name: "Anna Keller", from: "+12025550143", hint: "Keller & Sons, one open case" },
  { key: "sean", name: "Sean O'Neil", from: "+12025550147", hint: "an apostrophe in the name" },
  { key: "giulia", name: "Giulia Rossi", from: "+390655500123", hint: "Rome, a leading zero" },
  { key: "wei", name: "Wei Zhang", from: "+442079460018", hint: "a lead" },
  { key: "moss", name: "Dana or Eli Moss", from: "+12025550150", hint: "two people, one number" },
  { key: "stranger", name: "Somebody unknown", from: "+12025550199", hint: "nobody's number" },
  { key: "withheld", name: "Number withheld", from: "anonymous", hint: "the network hides it" },
];
