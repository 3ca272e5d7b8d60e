//! The words of a pipeline that the code itself knows: types, approvals and fields without which something that people rely on would
//! silently not happen. `Pipeline::problems` refuses a pipeline that lacks one where it is needed.

/// The type whose roles are given the outline of a specification.
pub const WRITE_SPEC: &str = "write_spec";

/// The type of task that `claude-swarm ask` creates.
pub const RESPOND_TO_HUMAN: &str = "respond_to_human";

/// In the payload of [`RESPOND_TO_HUMAN`]: what the person asks.
pub const QUESTION: &str = "question";

/// The type of task that `claude-swarm order` creates.
pub const DIRECTIVE: &str = "directive";

/// In the payload of [`DIRECTIVE`]: what the person orders.
pub const ORDER: &str = "order";

/// The kind of approval that is asked for when a product is past its rounds.
pub const CONTINUE: &str = "continue";

/// The kind of approval whose publication is the product itself: its files go to the outlet, and the product is published from then on.
pub const PUBLISH: &str = "publish";

/// In the terms of every other kind of approval that leads to an outlet: the list of texts that go there.
pub const POSTS: &str = "posts";

/// In one of [`POSTS`]: for which channel it is.
pub const CHANNEL: &str = "channel";

/// In one of [`POSTS`]: what it says.
pub const TEXT: &str = "text";

/// In the payload of a type that the daemon does: the id of the approval that allows it.
pub const APPROVAL: &str = "approval";

/// In the result of a type that the daemon does: where the publication is.
pub const URL: &str = "url";

/// In a result: which of the type's outcomes it is.
pub const VERDICT: &str = "verdict";

/// The one verdict of a type whose result has no [`VERDICT`].
pub const DONE: &str = "done";

/// The verdict that a failed check turns a result into.
pub const FAIL: &str = "fail";

/// What is wrong, in a few lines: in the payload of what opens the next round, and in a result that a failed check turns, if it has one.
pub const SUMMARY: &str = "summary";

/// Beside [`SUMMARY`]: what is wrong, one by one.
pub const FINDINGS: &str = "findings";
