use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Answer, Org};

const REDIRECT: &str = "http://panel.localhost:8430/auth/callback";

async fn token(org: &Org, form: &[(&str, &str)]) -> Answer {
    Answer::read(org.http.post(org.url("/services/oauth2/token")).form(form).send().await.unwrap()).await
}

/// Whether the token in `answer` opens the data.
async fn opens(org: &Org, answer: &Answer) -> bool {
    let token = answer.body["access_token"].as_str().unwrap_or_default();
    let request = org.http.get(org.url("/services/data/v62.0/limits")).bearer_auth(token);
    request.send().await.unwrap().status() == 200
}

#[tokio::test]
async fn a_password_with_or_without_its_token_opens_a_session() {
    let org = Org::start().await;
    let form = |password: &'static str| {
        [
            ("grant_type", "password"),
            ("client_id", "tieline-sandbox"),
            ("client_secret", "sandbox-secret"),
            ("username", "integration@example.com"),
            ("password", password),
        ]
    };
    for password in ["sandbox", "sandboxtoken"] {
        let answer = token(&org, &form(password)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["token_type"], "Bearer");
        assert_eq!(answer.body["instance_url"], org.salesforce.url());
        assert_eq!(
            answer.body["id"],
            format!("{}/id/00D000000000001AAA/005000000000005AAA", org.salesforce.url())
        );
        assert!(opens(&org, &answer).await);
    }
    let wrong = token(&org, &form("nonsense")).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.body, json!({"error": "invalid_grant", "error_description": "authentication failure"}));
}

#[tokio::test]
async fn client_credentials_stand_for_the_integration_user() {
    let org = Org::start().await;

    let answer = token(
        &org,
        &[
            ("grant_type", "client_credentials"),
            ("client_id", "tieline-sandbox"),
            ("client_secret", "sandbox-secret"),
        ],
    )
    .await;
    assert!(opens(&org, &answer).await);
    assert!(answer.body["id"].as_str().unwrap().ends_with("/005000000000005AAA"));
    let basic = org
        .http
        .post(org.url("/services/oauth2/token"))
        .header("authorization", format!("Basic {}", STANDARD.encode("tieline-sandbox:sandbox-secret")))
        .form(&[("grant_type", "client_credentials")]);
    assert_eq!(basic.send().await.unwrap().status(), 200);

    for (form, error) in [
        (
            vec![
                ("grant_type", "client_credentials"),
                ("client_id", "tieline-sandbox"),
                ("client_secret", "x"),
            ],
            "invalid_client",
        ),
        (
            vec![("grant_type", "client_credentials"), ("client_id", "x"), ("client_secret", "x")],
            "invalid_client_id",
        ),
        (vec![("grant_type", "client_credentials"), ("client_id", "tieline-sandbox")], "invalid_client"),
        (vec![("grant_type", "magic")], "unsupported_grant_type"),
        (vec![], "invalid_request"),
    ] {
        let refused = token(&org, &form).await;
        assert_eq!((refused.status.as_u16(), refused.body["error"].as_str().unwrap()), (400, error));
    }
}

#[tokio::test]
async fn a_signed_assertion_opens_a_session() {
    let org = Org::start().await;
    let key = EncodingKey::from_rsa_pem(org.salesforce.bearer_private_key().as_bytes()).unwrap();
    let url = org.salesforce.url();
    let now = org.world.now().as_second();
    let assertion =
        |claims: Value| jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap();
    let good =
        json!({"iss": "tieline-sandbox", "sub": "integration@example.com", "aud": url, "exp": now + 180});

    for (change, error) in [
        (json!({}), ""),
        (json!({"aud": "https://login.salesforce.com"}), ""),
        (json!({"aud": "https://evil.example"}), "audience is invalid"),
        (json!({"exp": now}), "assertion has expired"),
        (json!({"sub": "nobody@example.com"}), "user hasn't approved this consumer"),
        (json!({"iss": "nobody"}), "client identifier invalid"),
    ] {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = token(
            &org,
            &[
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", &assertion(claims)),
            ],
        )
        .await;
        assert_eq!(answer.body["error_description"].as_str().unwrap_or_default(), error);
        assert_eq!(opens(&org, &answer).await, error.is_empty());
    }
}

/// The click on Nora's button; where it leads.
async fn click(org: &Org, extra: &[(&str, &str)]) -> url::Url {
    let mut form = vec![
        ("response_type", "code"),
        ("client_id", "tieline-panel"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid profile email api refresh_token"),
        ("state", "s-1"),
        ("nonce", "n-1"),
    ];
    form.extend(extra);
    let page = org.http.get(org.url("/services/oauth2/authorize")).query(&form).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
    let html = page.text().await.unwrap();
    assert!(
        html.contains(
            "<button name=\"sandbox_user\" value=\"005000000000001AAA\"><strong>Nora Quist</strong>"
        ),
        "{html}"
    );
    form.push(("sandbox_user", "005000000000001AAA"));
    let answer = org.http.post(org.url("/services/oauth2/authorize")).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().parse().unwrap()
}

fn pair(url: &url::Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[tokio::test]
async fn an_agent_signs_in_with_one_click_and_the_code_proves_it() {
    let org = Org::start().await;
    let verifier = "a-verifier-of-at-least-forty-three-characters";
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let back = click(&org, &[("code_challenge", &challenge), ("code_challenge_method", "S256")]).await;
    assert_eq!((pair(&back, "state").as_str(), back.path()), ("s-1", "/auth/callback"));
    let code = pair(&back, "code");
    let form = |verifier: &'static str| {
        [
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", "tieline-panel".to_owned()),
            ("redirect_uri", REDIRECT.to_owned()),
            ("code_verifier", verifier.to_owned()),
            ("code", code.clone()),
        ]
    };
    let answer = org
        .http
        .post(org.url("/services/oauth2/token"))
        .form(&form("a-verifier-of-at-least-forty-three-characters"));
    let answer = Answer::read(answer.send().await.unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(opens(&org, &answer).await);

    let discovery = org
        .http
        .get(org.url("/.well-known/openid-configuration"))
        .send()
        .await
        .unwrap()
        .json::<Value>()
        .await
        .unwrap();
    let issuer = discovery["issuer"].as_str().unwrap();
    assert_eq!(issuer, format!("http://crm.localhost:{}", org.salesforce.addr().port()));
    let keys = org.http.get(org.url("/id/keys")).send().await.unwrap().json::<Value>().await.unwrap();
    let key = DecodingKey::from_rsa_components(
        keys["keys"][0]["n"].as_str().unwrap(),
        keys["keys"][0]["e"].as_str().unwrap(),
    )
    .unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&["tieline-panel"]);
    validation.set_issuer(&[issuer]);
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(answer.body["id_token"].as_str().unwrap(), &key, &validation)
        .unwrap()
        .claims;
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["preferred_username"], "nora.quist@example.com");
    assert_eq!(claims["email"], "nora.quist@example.com");
    assert_eq!(claims["user_id"], "005000000000001AAA");
    assert_eq!(claims["organization_id"], "00D000000000001AAA");
    assert_eq!(claims["sub"], format!("{issuer}/id/00D000000000001AAA/005000000000001AAA"));
    assert_eq!(claims["exp"].as_i64().unwrap(), org.world.now().as_second() + 120);

    // A code is good once.
    let again = org
        .http
        .post(org.url("/services/oauth2/token"))
        .form(&form("a-verifier-of-at-least-forty-three-characters"));
    assert_eq!(Answer::read(again.send().await.unwrap()).await.body["error"], "invalid_grant");

    let access = answer.body["access_token"].as_str().unwrap();
    let info = org.http.get(org.url("/services/oauth2/userinfo")).bearer_auth(access).send().await.unwrap();
    assert_eq!(info.json::<Value>().await.unwrap()["sub"], claims["sub"]);
    let identity =
        org.http.get(answer.body["id"].as_str().unwrap()).bearer_auth(access).send().await.unwrap();
    assert_eq!(identity.json::<Value>().await.unwrap()["display_name"], "Nora Quist");
}

#[tokio::test]
async fn a_code_without_its_verifier_is_worth_nothing() {
    let org = Org::start().await;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest("right"));
    for verifier in [Some("wrong"), None] {
        let back = click(&org, &[("code_challenge", &challenge), ("code_challenge_method", "S256")]).await;
        let code = pair(&back, "code");
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", "tieline-panel"),
            ("redirect_uri", REDIRECT),
            ("code", code.as_str()),
        ];
        form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        assert_eq!(token(&org, &form).await.body["error"], "invalid_grant");
    }
    // Without a challenge the secret must vouch.
    let code = pair(&click(&org, &[]).await, "code");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "tieline-panel"),
        ("redirect_uri", REDIRECT),
        ("code", code.as_str()),
    ];
    assert_eq!(token(&org, &form).await.body["error"], "invalid_client");
}

#[tokio::test]
async fn a_refresh_token_outlives_its_access_token_until_it_is_revoked() {
    let org = Org::start().await;
    let code = pair(&click(&org, &[]).await, "code");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "tieline-panel"),
        ("client_secret", "sandbox-secret"),
        ("redirect_uri", REDIRECT),
        ("code", code.as_str()),
    ];
    let first = token(&org, &form).await;
    let refresh = first.body["refresh_token"].as_str().unwrap().to_owned();

    let expired = org.control("tokens/expire", json!({"username": "nora.quist@example.com"})).await;
    assert_eq!(expired.body["expired"], 1);
    assert!(!opens(&org, &first).await);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "tieline-panel"),
        ("refresh_token", refresh.as_str()),
    ];
    let second = token(&org, &form).await;
    assert!(opens(&org, &second).await);

    let revoked =
        org.http.post(org.url("/services/oauth2/revoke")).form(&[("token", &refresh)]).send().await.unwrap();
    assert_eq!(revoked.status(), 200);
    assert!(!opens(&org, &second).await);
    assert_eq!(token(&org, &form).await.body["error"], "invalid_grant");
}

#[tokio::test]
async fn nobody_is_sent_to_a_foreign_address() {
    let org = Org::start().await;
    let open = async |redirect: &str, client: &str| {
        let query = [("response_type", "code"), ("client_id", client), ("redirect_uri", redirect)];
        org.http
            .get(org.url("/services/oauth2/authorize"))
            .query(&query)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(open(REDIRECT, "tieline-panel").await, 200);
    assert_eq!(open("http://127.0.0.1:4711/auth/callback", "tieline-panel").await, 200);
    for (redirect, client) in [
        ("http://evil.example/auth/callback", "tieline-panel"),
        ("http://panel.localhost:8430/elsewhere", "tieline-panel"),
        ("http://panel.localhost@evil.example/auth/callback", "tieline-panel"),
        ("javascript:alert(1)", "tieline-panel"),
        (REDIRECT, "tieline-sandbox"),
        (REDIRECT, "nobody"),
    ] {
        assert_eq!(open(redirect, client).await, 400, "{redirect} {client}");
    }
    let query = [
        ("response_type", "token"),
        ("client_id", "tieline-panel"),
        ("redirect_uri", REDIRECT),
        ("state", "\"><script>"),
    ];
    let back = org.http.get(org.url("/services/oauth2/authorize")).query(&query).send().await.unwrap();
    assert!(back.headers()["location"].to_str().unwrap().contains("error=unsupported_response_type"));
    let query = [
        ("response_type", "code"),
        ("client_id", "tieline-panel"),
        ("redirect_uri", REDIRECT),
        ("state", "\"><script>"),
    ];
    let page = org.http.get(org.url("/services/oauth2/authorize")).query(&query).send().await.unwrap();
    assert!(!page.text().await.unwrap().contains("<script>"));
}

#[tokio::test]
async fn a_session_ends_after_two_hours_without_use() {
    let org = Org::start().await;
    org.control("clock", json!({"advance": "PT1H59M"})).await;
    assert_eq!(org.get("/limits").await.status, 200);
    org.control("clock", json!({"advance": "PT1H59M"})).await;
    assert_eq!(org.get("/limits").await.status, 200);
    org.control("clock", json!({"advance": "PT2H"})).await;

    let ended = org.get("/limits").await;

    assert_eq!((ended.status.as_u16(), ended.code()), (401, "INVALID_SESSION_ID"));
    let nobody = org.http.get(org.url("/services/data/v62.0/limits")).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    // What versions there are is no secret.
    let versions =
        org.http.get(org.url("/services/data")).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(versions[0]["version"], "40.0");
}

#[tokio::test]
async fn soap_login_takes_password_and_token() {
    let org = Org::start().await;
    let login = async |kind: &str, password: &str| {
        let envelope = format!(
            "<?xml version=\"1.0\"?><env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body><n1:login xmlns:n1=\"urn:partner.soap.sforce.com\"><n1:username>nora.quist@example.com</n1:username><n1:password>{password}</n1:password></n1:login></env:Body></env:Envelope>"
        );
        let url = org.url(&format!("/services/Soap/{kind}/62.0"));
        let answer =
            org.http.post(url).header("content-type", "text/xml").body(envelope).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };

    for kind in ["u", "c"] {
        let (status, xml) = login(kind, "sandboxtoken").await;
        assert_eq!(status, 200);
        let session = xml.split("<sessionId>").nth(1).unwrap().split('<').next().unwrap();
        let request = org.http.get(org.url("/services/data/v62.0/limits")).bearer_auth(session);
        assert_eq!(request.send().await.unwrap().status(), 200);
        assert!(xml.contains(&format!("<serverUrl>{}/services/Soap/{kind}/62.0/", org.salesforce.url())));
    }
    let (status, xml) = login("u", "nonsense").await;
    assert_eq!(status, 500);
    assert!(xml.contains("INVALID_LOGIN"));
}
