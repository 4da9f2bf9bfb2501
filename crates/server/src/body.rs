//! Reads request bodies: limited after decompression, in time, and no deeper than asked.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use futures::StreamExt;
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use crate::{Code, Problem};

/// A dip's event.
pub const DIP_LIMIT: usize = 64 * 1024;
/// A single delivery.
pub const DELIVERY_LIMIT: usize = 1024 * 1024;
/// A batch of deliveries.
pub const BATCH_LIMIT: usize = 8 * 1024 * 1024;
/// What the panel sends.
pub const PANEL_LIMIT: usize = 8 * 1024;

/// Nothing anybody sends us is nested deeper than a third of this.
pub const DEPTH: usize = 32;

/// How long a body may take to arrive; whoever needs longer holds a connection for nothing.
const ARRIVES_WITHIN: Duration = Duration::from_secs(20);

/// Reads a body and unpacks it; at most `limit` bytes before and after.
pub async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let packed =
        match headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase()) {
            None => false,
            Some(encoding) if encoding == b"identity" => false,
            Some(encoding) if encoding == b"gzip" => true,
            Some(_) => {
                return Err(Problem::new(
                    Code::UnsupportedEncoding,
                    "send the body as it is, or packed with gzip",
                ));
            }
        };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let bytes = match tokio::time::timeout(ARRIVES_WITHIN, collect(body, limit)).await {
        Ok(bytes) => bytes?,
        Err(_) => return Err(Problem::new(Code::RequestTimeout, "send the body without pauses")),
    };
    if packed { unpack(&bytes, limit) } else { Ok(bytes) }
}

/// Reads a JSON body as `T`.
pub async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body, limit: usize) -> Result<T, Problem> {
    is_json(headers)?;
    let bytes = read(headers, body, limit).await?;
    parse(&bytes)
}

/// Bytes that arrived → `T`, refused when nested deeper than [`DEPTH`].
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if too_deep(bytes, DEPTH) {
        return Err(Problem::new(Code::BodyTooDeep, format!("nest at most {DEPTH} lists and objects")));
    }
    // The parser's message may quote the body, so only the place of the mistake is told.
    serde_json::from_slice(bytes).map_err(|error| {
        let what =
            if error.is_data() { "does not have the members this call takes" } else { "is not valid JSON" };
        Problem::new(
            Code::MalformedRequest,
            format!("the body {what} (line {}, column {})", error.line(), error.column()),
        )
    })
}

pub fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let json = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    });
    if json {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, "send JSON with `Content-Type: application/json`"))
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let mut stream = body.into_data_stream();
    let mut collected = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::new(Code::MalformedRequest, "the body broke off"))?;
        if collected.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected.freeze())
}

fn unpack(packed: &[u8], limit: usize) -> Result<Bytes, Problem> {
    let mut plain = Vec::new();
    // One byte more than allowed is enough to know, however much the rest would unpack to.
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(packed)
        .take(most)
        .read_to_end(&mut plain)
        .map_err(|_| Problem::new(Code::MalformedRequest, "the body is not what gzip makes"))?;
    if plain.len() > limit {
        return Err(too_large(limit));
    }
    Ok(plain.into())
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("send at most {limit} bytes, counted after unpacking"))
}

/// Whether lists and objects are nested deeper than `most`. Counts brackets outside texts,
/// which is right for valid JSON; anything else the parser refuses afterwards.
pub fn too_deep(bytes: &[u8], most: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > most {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn headers(encoding: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_ENCODING, encoding.parse().unwrap())])
    }

    #[tokio::test]
    async fn a_small_body_that_unpacks_to_a_large_one_is_refused() {
        let bomb = gzip(&vec![b'a'; 200_000]);
        assert!(bomb.len() < 1000);
        let problem = read(&headers("gzip"), bomb.into(), DIP_LIMIT).await.unwrap_err();
        assert_eq!(problem.code, Code::BodyTooLarge);
        assert_eq!(read(&headers("GZIP"), gzip(b"{}").into(), DIP_LIMIT).await.unwrap(), "{}");
    }

    #[tokio::test]
    async fn what_we_cannot_unpack_is_refused() {
        let problem = read(&headers("br"), "x".into(), DIP_LIMIT).await.unwrap_err();
        assert_eq!(problem.code, Code::UnsupportedEncoding);
        let problem = read(&headers("gzip"), "not gzip".into(), DIP_LIMIT).await.unwrap_err();
        assert_eq!(problem.code, Code::MalformedRequest);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_not_waited_for() {
        let first = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{"))]);
        let body = Body::from_stream(first.chain(futures::stream::pending()));
        let began = tokio::time::Instant::now();
        let problem = read(&HeaderMap::new(), body, DIP_LIMIT).await.unwrap_err();
        assert_eq!(problem.code, Code::RequestTimeout);
        assert_eq!(began.elapsed(), ARRIVES_WITHIN);
    }

    #[test]
    fn brackets_in_texts_do_not_count_as_depth() {
        assert!(!too_deep(br#"{"a":"[[[[\"[[["}"#, 1));
        assert!(too_deep(b"[[1]]", 1));
        assert!(!too_deep(b"[[1],[2],[3]]", 2));
    }
}
