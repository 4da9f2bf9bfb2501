use serde_json::Value;

use crate::harness::Org;

#[tokio::test]
async fn a_page_is_served_or_says_how_to_build_it() {
    let org = Org::start().await;
    for path in ["/stage/", "/lightning/r/Contact/003000000000001AAA/view"] {
        let page = org.http.get(org.url(path)).send().await.unwrap();
        // In a checkout without built pages the answer says what to do.
        assert!(matches!(page.status().as_u16(), 200 | 503), "{path} {}", page.status());
    }
    let root = org.http.get(org.url("/")).send().await.unwrap();
    assert_eq!(root.headers()["location"], "/stage/");
    let nothing = org.http.get(org.url("/nothing")).send().await.unwrap();
    assert_eq!(nothing.status(), 404);
    assert_eq!(nothing.json::<Value>().await.unwrap()["code"], "not_found");
}

#[tokio::test]
async fn another_name_for_this_machine_is_not_served() {
    let org = Org::start().await;

    let foreign =
        org.http.get(org.url("/services/data")).header("host", "evil.example").send().await.unwrap();

    assert_eq!(foreign.status(), 421);
}
