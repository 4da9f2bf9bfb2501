//! What was said with a contact, and what is made of it afterwards: Contact Lens analyses, transcripts.
//!
//! Speech has no sound here: every word takes the same time. `said` is who said what and when,
//! `tone` how it sounds by the words in it, `redaction` what of it is hidden; `voice` and `chat`
//! write the analysis of each channel, `analyses` puts it into the bucket; `transcript` is what
//! Amazon Transcribe writes.
//!
//! Nothing here understands anything: the rules are lists of words, so that a test knows what
//! comes out.

mod analyses;
mod chat;
mod redaction;
mod said;
mod tone;
pub mod transcript;
mod voice;
mod wav;

pub use analyses::{AnalysisWritten, WriteAnalysis, write};
pub use said::{Line, Say, Who, lines};
pub use tone::{Tone, words};
