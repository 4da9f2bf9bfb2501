#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tieline_properties::delivery_key(data));
