"""simple-salesforce as it comes, with a session id and an instance, over TLS.

Started by run.sh; every test leaves behind only what it made.
"""

import base64
import os
import unittest

import requests
from simple_salesforce import Salesforce, SFType, format_soql
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

HTTPS = os.environ["SANDBOX_HTTPS"]
CA = os.environ["SANDBOX_CA"]
TOKEN = os.environ["SANDBOX_TOKEN"]


def connect(token=TOKEN):
    session = requests.Session()
    session.verify = CA
    session.trust_env = False
    return Salesforce(session_id=token, instance=HTTPS.removeprefix("https://"), session=session, version="62.0")


class Records(unittest.TestCase):
    def setUp(self):
        self.sf = connect()

    def test_a_record_is_created_read_changed_and_deleted(self):
        made = self.sf.Contact.create({"LastName": "O'Neil", "FirstName": "Zoë", "Email": "zoe@example.com"})
        self.assertTrue(made["success"])
        self.assertEqual(self.sf.Contact.get(made["id"])["Name"], "Zoë O'Neil")
        self.assertEqual(self.sf.Contact.update(made["id"], {"Title": "Buyer"}), 204)
        self.assertEqual(self.sf.Contact.get(made["id"])["Title"], "Buyer")
        self.assertEqual(self.sf.Contact.delete(made["id"]), 204)
        with self.assertRaises(SalesforceResourceNotFound) as caught:
            self.sf.Contact.get(made["id"])
        self.assertEqual(caught.exception.content[0]["errorCode"], "ENTITY_IS_DELETED")

    def test_a_record_is_upserted_by_its_external_id(self):
        interaction = SFType("Interaction__c", TOKEN, HTTPS.removeprefix("https://"), "62.0", session=self.sf.session)
        self.assertEqual(interaction.upsert("Key__c/python:1", {"Talk_Seconds__c": 5}), 201)
        self.assertEqual(interaction.upsert("Key__c/python:1", {"Talk_Seconds__c": 6}), 200)
        read = interaction.get_by_custom_id("Key__c", "python:1")
        self.assertEqual(read["Talk_Seconds__c"], 6)
        self.assertEqual(interaction.delete(read["Id"]), 204)

    def test_a_file_stands_with_a_record(self):
        case = self.sf.Case.create({"Subject": "Bill"})["id"]
        said = "Grüße".encode()
        body = base64.b64encode(said).decode()
        made = self.sf.Attachment.create({"ParentId": case, "Name": "said", "ContentType": "text/plain", "Body": body})
        found = self.sf.query(format_soql("SELECT Id, Body, BodyLength FROM Attachment WHERE ParentId = {}", case))
        self.assertEqual([(r["Id"], r["BodyLength"]) for r in found["records"]], [(made["id"], len(said))])
        address = HTTPS + found["records"][0]["Body"]
        file = self.sf.session.get(address, headers=self.sf.headers | {"Content-Type": None})
        self.assertEqual((file.content, file.headers["Content-Type"]), (said, "text/plain"))
        with self.assertRaises(SalesforceMalformedRequest):
            self.sf.Attachment.update(made["id"], {"Body": "?"})
        # Deleted with its record.
        self.sf.Case.delete(case)
        with self.assertRaises(SalesforceResourceNotFound):
            self.sf.Attachment.get(made["id"])

    def test_describes_are_read(self):
        names = [o["name"] for o in self.sf.describe()["sobjects"]]
        self.assertIn("Interaction__c", names)
        fields = {f["name"]: f for f in self.sf.Task.describe()["fields"]}
        self.assertEqual(fields["CallType"]["type"], "picklist")


class Queries(unittest.TestCase):
    def setUp(self):
        self.sf = connect()

    def test_a_query_with_a_quote_in_its_value_finds_the_one(self):
        soql = format_soql("SELECT Id, Account.Name FROM Contact WHERE LastName = {} AND FirstName = {}", "O'Neil", "Sean")
        found = self.sf.query(soql)
        self.assertEqual(found["totalSize"], 1)
        self.assertTrue(found["done"])
        self.assertIn("Name", found["records"][0]["Account"])

    def test_all_pages_are_read(self):
        # The test that starts us set pages of 15 rows.
        first = self.sf.query("SELECT Id FROM Contact WHERE CreatedDate < TODAY ORDER BY Id")
        self.assertEqual((len(first["records"]), first["done"]), (15, False))
        second = self.sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)
        self.assertEqual(len(second["records"]), 15)
        everything = self.sf.query_all("SELECT Id FROM Contact WHERE CreatedDate < TODAY ORDER BY Id")
        self.assertEqual(len({r["Id"] for r in everything["records"]}), 40)
        self.assertEqual(len(list(self.sf.query_all_iter("SELECT Id FROM Case WHERE CreatedDate < TODAY"))), 25)

    def test_searches_find_people_by_name_and_number(self):
        by_name = self.sf.search("FIND {keller} IN NAME FIELDS RETURNING Contact(Id, Name)")
        self.assertEqual([r["Name"] for r in by_name["searchRecords"]], ["Anna Keller"])
        by_number = self.sf.quick_search("12025550147")
        self.assertEqual([r["attributes"]["type"] for r in by_number["searchRecords"]], ["Contact"])

    def test_limits_are_told(self):
        self.assertEqual(self.sf.limits()["DailyApiRequests"]["Max"], 15000)
        self.assertEqual(self.sf.api_usage["api-usage"].total, 15000)

    def test_tooling_for_many_records_uses_collections(self):
        body = {"records": [{"attributes": {"type": "Lead"}, "LastName": f"Py{n}", "Company": "x"} for n in range(3)]}
        made = self.sf.restful("composite/sobjects", method="POST", json=body)
        self.assertTrue(all(row["success"] for row in made))
        ids = ",".join(row["id"] for row in made)
        gone = self.sf.restful("composite/sobjects", params={"ids": ids}, method="DELETE")
        self.assertTrue(all(row["success"] for row in gone))


class Errors(unittest.TestCase):
    def setUp(self):
        self.sf = connect()

    def test_a_missing_field_is_a_malformed_request(self):
        with self.assertRaises(SalesforceMalformedRequest) as caught:
            self.sf.Contact.create({"FirstName": "Nobody"})
        self.assertEqual(caught.exception.status, 400)
        error = caught.exception.content[0]
        self.assertEqual((error["errorCode"], error["fields"]), ("REQUIRED_FIELD_MISSING", ["LastName"]))

    def test_a_broken_query_is_a_malformed_request(self):
        with self.assertRaises(SalesforceMalformedRequest) as caught:
            self.sf.query("SELECT Nope FROM Contact")
        self.assertEqual(caught.exception.content[0]["errorCode"], "INVALID_FIELD")

    def test_an_unknown_session_is_an_expired_session(self):
        with self.assertRaises(SalesforceExpiredSession) as caught:
            connect("nonsense").query("SELECT Id FROM Contact")
        self.assertEqual(caught.exception.content[0]["errorCode"], "INVALID_SESSION_ID")


if __name__ == "__main__":
    unittest.main(verbosity=2)
