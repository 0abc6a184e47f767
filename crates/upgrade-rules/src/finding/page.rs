//! The page that this project has about a rule or a mutation.

use super::RuleId;

/// The address at which the folder docs is published. Whoever publishes the program says it when building: the sources
/// name no home.
const PUBLISHED: Option<&str> = option_env!("DOCUMENTATION");

impl RuleId {
    /// The page, from the project's folder.
    pub fn page(self) -> String {
        format!("docs/{}", self.below_docs())
    }

    /// The page's address, if the documentation of this build is published.
    pub fn page_address(self) -> Option<String> {
        let published = PUBLISHED.filter(|address| !address.is_empty())?;
        Some(self.page_below(published))
    }

    /// The page's address where the folder docs has this one.
    pub fn page_below(self, docs: &str) -> String {
        format!("{}/{}", docs.trim_end_matches('/'), self.below_docs())
    }

    fn below_docs(self) -> String {
        format!("rules/{self}.md")
    }
}
