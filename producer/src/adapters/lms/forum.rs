//! Course forums: threads, responses, comments.

use coursebus_schemas::learning::{
    DiscussionThreadData, ForumThreadCreated, ForumThreadResponseCommentCreated, ForumThreadResponseCreated,
};

use super::Learner;

/// The longest text of a post that goes out, in characters; the rest is cut off, and the event says so.
pub const TEXT_CHARS_MAX: usize = 4_000;

/// Something that a user wrote in a course forum. Title and text are personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Its id.
    pub id: String,
    /// Who wrote it.
    pub author: Learner,
    /// The run's key.
    pub course_key: String,
    /// The topic that it is under.
    pub topic: String,
    /// The thread's title; none for what is below a thread.
    pub title: Option<String>,
    /// `discussion` or `question`; none for what is below a thread.
    pub thread_type: Option<String>,
    /// The text.
    pub text: String,
    /// Where it can be read.
    pub url: String,
    /// The thread that it belongs to, for what is below one.
    pub thread_id: Option<String>,
    /// The cohort that can read it; none: all can.
    pub cohort: Option<i64>,
    /// The author is hidden from all.
    pub anonymous: bool,
    /// The author is hidden from other learners.
    pub anonymous_to_peers: bool,
    /// The author's roles in the course.
    pub course_roles: Vec<String>,
    /// The author's roles in the forum.
    pub forum_roles: Vec<String>,
}

/// A thread was opened.
#[must_use]
pub fn thread_created(post: &Post) -> ForumThreadCreated {
    ForumThreadCreated { thread: thread(post) }
}

/// A thread was answered.
#[must_use]
pub fn response_created(post: &Post) -> ForumThreadResponseCreated {
    ForumThreadResponseCreated { thread: thread(post) }
}

/// A response was commented on.
#[must_use]
pub fn comment_created(post: &Post) -> ForumThreadResponseCommentCreated {
    ForumThreadResponseCommentCreated { thread: thread(post) }
}

fn thread(post: &Post) -> DiscussionThreadData {
    let body: String = post.text.chars().take(TEXT_CHARS_MAX).collect();
    DiscussionThreadData {
        truncated: body.len() < post.text.len(),
        body,
        commentable_id: post.topic.clone(),
        id: post.id.clone(),
        url: post.url.clone(),
        user: post.author.user(),
        course_id: post.course_key.clone(),
        thread_type: post.thread_type.clone(),
        anonymous: Some(post.anonymous),
        anonymous_to_peers: Some(post.anonymous_to_peers),
        title: post.title.clone(),
        title_truncated: post.title.is_some().then_some(false),
        group_id: post.cohort,
        team_id: None,
        category_id: None,
        category_name: None,
        discussion: post.thread_id.clone().map(|id| [("id".to_owned(), id)].into()),
        user_course_roles: post.course_roles.clone(),
        user_forums_roles: post.forum_roles.clone(),
        options: [].into(),
    }
}
