use crate::Document;

const FILES: [&str; 2] =
    [include_str!("../flows/pop-the-caller.json"), include_str!("../flows/click-to-dial.json")];

/// The flows a new workspace begins with.
pub fn defaults() -> Vec<Document> {
    FILES
        .iter()
        .map(|text| Document::from_json(text.as_bytes()).expect("our own flows are tested documents"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flow, check};

    #[test]
    fn the_flows_we_ship_have_no_problems() {
        for document in defaults() {
            assert_eq!(check(&document), [], "{}", document.id);
            Flow::load(document).unwrap();
        }
    }
}
