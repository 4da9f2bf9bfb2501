//! A recording on which nothing is heard.

/// Telephone quality: 8,000 samples a second.
const RATE: u32 = 8_000;

/// A quarter of a second of silence on `channels` channels, in 16 bits.
pub fn silence(channels: u16) -> Vec<u8> {
    let block = channels * 2;
    let data = RATE / 4 * u32::from(block);
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + data).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    // PCM.
    wav.extend(1_u16.to_le_bytes());
    wav.extend(channels.to_le_bytes());
    wav.extend(RATE.to_le_bytes());
    wav.extend((RATE * u32::from(block)).to_le_bytes());
    wav.extend(block.to_le_bytes());
    wav.extend(16_u16.to_le_bytes());
    wav.extend(b"data");
    wav.extend(data.to_le_bytes());
    wav.resize(44 + data as usize, 0);
    wav
}
