//! The program as the platform starts it.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::stand_in::StandIn;

pub struct Program(Child);

impl Program {
    /// Starts what cargo built for this test.
    pub fn start(api: SocketAddr, handler: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_from(Path::new(env!("CARGO_BIN_EXE_bootstrap")), &api.to_string(), handler, variables)
    }

    pub fn start_from(program: &Path, api: &str, handler: &str, variables: &[(&str, &str)]) -> Self {
        let child = Command::new(program)
            .env_clear()
            .envs([
                ("_HANDLER", handler),
                ("AWS_LAMBDA_RUNTIME_API", api),
                ("AWS_LAMBDA_FUNCTION_NAME", "tieline-dip"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                ("AWS_REGION", "eu-central-1"),
            ])
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    pub fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// The exit code, and what it wrote.
    pub async fn ended(mut self) -> (Option<i32>, String) {
        let ended = move || {
            let mut wrote = String::new();
            self.0.stderr.take().unwrap().read_to_string(&mut wrote).unwrap();
            self.0.stdout.take().unwrap().read_to_string(&mut wrote).unwrap();
            (self.0.wait().unwrap().code(), wrote)
        };
        tokio::task::spawn_blocking(ended).await.unwrap()
    }

    /// As the platform ends a process that has an extension beside it.
    pub async fn terminated(self) -> (Option<i32>, String) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.ended().await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The environment of a function that asks these two.
pub fn variables(salesforce: &StandIn, aws: &StandIn) -> Vec<(&'static str, String)> {
    let text = |text: &str| text.to_owned();
    vec![
        ("SF_HOST", salesforce.url().to_string()),
        ("SF_VERSION", text("v62.0")),
        ("SF_USERNAME", text("api@example.com")),
        ("SF_PRODUCTION", text("false")),
        ("SF_ADAPTER_NAMESPACE", text("-")),
        ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", text("sf")),
        ("AWS_ENDPOINT_URL", aws.url().to_string()),
        ("AWS_ACCESS_KEY_ID", text("dummy")),
        ("AWS_SECRET_ACCESS_KEY", text("dummy")),
    ]
}
