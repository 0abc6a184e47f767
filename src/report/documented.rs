//! Where something is documented, as machine-readable outputs have it.

use serde::Serialize;

use crate::finding::{Reference, RuleId};

/// Where a finding, a rule or a mutation is documented, by Camunda and here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Documented {
    guide: Option<&'static str>,
    guide_address: Option<String>,
    undocumented: Option<&'static str>,
    page: String,
    page_address: Option<String>,
}

impl Documented {
    /// The address of the page here, else that of the guide, else the page's file.
    pub fn place(&self) -> &str {
        let addresses = [&self.page_address, &self.guide_address];
        let address = addresses.into_iter().flatten().next();
        address.unwrap_or(&self.page)
    }

    /// Where a rule or mutation is documented; `guide` is what Camunda has about it, or about one of its findings.
    pub fn of(rule: RuleId, guide: Reference) -> Self {
        Self {
            guide: guide.section().map(|guide| guide.section),
            guide_address: guide.address(),
            undocumented: guide.missing(),
            page: rule.page(),
            page_address: rule.page_address(),
        }
    }
}
