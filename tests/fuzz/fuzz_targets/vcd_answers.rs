#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallyline_integration::decoders::vcd_answers(data));
