//! Arithmetic of the tables.

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are small")]
pub fn count(n: usize) -> f64 {
    n as f64
}

/// The value below which `part` of them lie.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
pub fn quantile(values: &[f64], part: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[((count(values.len()) - 1.0) * part).round() as usize]
}

pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The median of what `ours` is of `theirs`, round by round: what else the machine did in a round
/// fell on both.
pub fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    median(&ratios)
}

pub fn mib(kib: u32) -> f64 {
    f64::from(kib) / 1_024.0
}

/// The budgets and how far they are met, as a table.
#[derive(Default)]
pub struct Budgets(Vec<String>);

impl Budgets {
    pub fn at_least(&mut self, what: &str, figure: f64, budget: f64, unit: &str) {
        self.add(what, figure, &format!("≥ {budget}"), unit, figure >= budget);
    }

    pub fn at_most(&mut self, what: &str, figure: f64, budget: f64, unit: &str) {
        self.add(what, figure, &format!("≤ {budget}"), unit, figure <= budget);
    }

    fn add(&mut self, what: &str, figure: f64, budget: &str, unit: &str, met: bool) {
        let figure = if figure.fract() == 0.0 { format!("{figure}") } else { format!("{figure:.2}") };
        let met = if met { "yes" } else { "**no**" };
        self.0.push(format!("| {what} | {figure}{unit} | {budget}{unit} | {met} |"));
    }

    pub fn print(&self) {
        println!("\n| Budget | Figure | Budget | Met |\n|---|---|---|---|");
        for line in &self.0 {
            println!("{line}");
        }
    }
}
