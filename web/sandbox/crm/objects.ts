/** How the page shows the CRM's objects: which fields, under which words. */

export interface Shown {
  /** As the API names it. */
  object: string;
  label: string;
  plural: string;
  /** Two letters and a colour instead of an icon set. */
  badge: string;
  hue: number;
  /** API name → label, in the order shown. Parent fields are dotted. */
  fields: [name: string, label: string][];
  /** What the record is called. */
  title: string;
  /** Fields the new-record form offers; the first is required. */
  form: [name: string, label: string][];
}

export const OBJECTS: Shown[] = [
  {
    object: "Contact",
    label: "Contact",
    plural: "Contacts",
    badge: "Co",
    hue: 262,
    title: "Name",
    fields: [
      ["Name", "Name"],
      ["Title", "Title"],
      ["Account.Name", "Account"],
      ["Phone", "Phone"],
      ["MobilePhone", "Mobile"],
      ["HomePhone", "Home phone"],
      ["Email", "Email"],
      ["Description", "Description"],
    ],
    form: [
      ["LastName", "Last name"],
      ["FirstName", "First name"],
      ["Phone", "Phone"],
      ["MobilePhone", "Mobile"],
      ["Email", "Email"],
    ],
  },
  {
    object: "Account",
    label: "Account",
    plural: "Accounts",
    badge: "Ac",
    hue: 220,
    title: "Name",
    fields: [
      ["Name", "Name"],
      ["Phone", "Phone"],
      ["Website", "Website"],
      ["Industry", "Industry"],
      ["Description", "Description"],
    ],
    form: [
      ["Name", "Name"],
      ["Phone", "Phone"],
    ],
  },
  {
    object: "Lead",
    label: "Lead",
    plural: "Leads",
    badge: "Le",
    hue: 24,
    title: "Name",
    fields: [
      ["Name", "Name"],
      ["Company", "Company"],
      ["Status", "Status"],
      ["Phone", "Phone"],
      ["MobilePhone", "Mobile"],
      ["Email", "Email"],
    ],
    form: [
      ["LastName", "Last name"],
      ["FirstName", "First name"],
      ["Company", "Company"],
      ["Phone", "Phone"],
    ],
  },
  {
    object: "Case",
    label: "Case",
    plural: "Cases",
    badge: "Ca",
    hue: 340,
    title: "CaseNumber",
    fields: [
      ["CaseNumber", "Case number"],
      ["Subject", "Subject"],
      ["Status", "Status"],
      ["Priority", "Priority"],
      ["Origin", "Origin"],
      ["Contact.Name", "Contact"],
      ["Account.Name", "Account"],
      ["Description", "Description"],
    ],
    form: [
      ["Subject", "Subject"],
      ["Status", "Status"],
      ["Origin", "Origin"],
      ["Description", "Description"],
    ],
  },
  {
    object: "Task",
    label: "Task",
    plural: "Tasks",
    badge: "Ta",
    hue: 150,
    title: "Subject",
    fields: [
      ["Subject", "Subject"],
      ["Status", "Status"],
      ["Priority", "Priority"],
      ["Who.Name", "Name"],
      ["What.Name", "Related to"],
      ["CallType", "Call type"],
      ["CallDurationInSeconds", "Duration (seconds)"],
      ["CallDisposition", "Disposition"],
      ["CallObject", "Contact id"],
      ["Description", "Comments"],
    ],
    form: [
      ["Subject", "Subject"],
      ["Description", "Comments"],
    ],
  },
  {
    object: "Interaction__c",
    label: "Interaction",
    plural: "Interactions",
    badge: "In",
    hue: 190,
    title: "Name",
    fields: [
      ["Name", "Name"],
      ["Channel__c", "Channel"],
      ["Direction__c", "Direction"],
      ["State__c", "State"],
      ["Queue__c", "Queue"],
      ["Agent__c", "Agent"],
      ["Customer_Number__c", "Customer number"],
      ["Customer_Name__c", "Customer"],
      ["Started_At__c", "Started"],
      ["Connected_At__c", "Connected"],
      ["Ended_At__c", "Ended"],
      ["Talk_Seconds__c", "Talk (seconds)"],
      ["Hold_Seconds__c", "Hold (seconds)"],
      ["After_Contact_Seconds__c", "After-contact work (seconds)"],
      ["Candidates__c", "Candidates"],
      ["Key__c", "Key"],
    ],
    form: [],
  },
  {
    object: "Opportunity",
    label: "Opportunity",
    plural: "Opportunities",
    badge: "Op",
    hue: 45,
    title: "Name",
    fields: [
      ["Name", "Name"],
      ["StageName", "Stage"],
      ["Amount", "Amount"],
      ["CloseDate", "Close date"],
    ],
    form: [["Name", "Name"]],
  },
];

export const shownObject = (object: string) => OBJECTS.find((shown) => shown.object === object);

/** Which object an id belongs to, by its first three characters. */
const PREFIXES: Record<string, string> = {
  "001": "Account",
  "003": "Contact",
  "00Q": "Lead",
  "00T": "Task",
  "006": "Opportunity",
  "500": "Case",
};

/** Custom objects' prefixes differ from org to org; ours is the only one here. */
export function objectOf(id: string): string | null {
  if (!/^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$/.test(id)) return null;
  return PREFIXES[id.slice(0, 3)] ?? (id.startsWith("a") ? "Interaction__c" : null);
}

export const isPhoneField = (name: string) => /phone|mobile|_Number__c$|^Fax$/i.test(name);
