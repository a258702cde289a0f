//! The contract of a log as a test. Every implementation of [`Log`](crate::Log) runs it.
//!
//! Each case is a function that takes a [`Fixture`] and panics when the contract is broken. [`conformance_tests!`]
//! makes a test of each. Cases have topics and groups of their own, run beside one another, and wait for conditions,
//! never for time.
//!
//! To add a case: write it in the module of its subject, and name it in the list below.
//!
//! [`conformance_tests!`]: crate::conformance_tests

pub mod absence;
pub mod append;
mod backend;
pub mod cleanup;
mod fixture;
pub mod group;
pub mod group_description;
pub mod group_positions;
pub mod instance;
pub mod offset_at;
pub mod process;
pub mod read;
pub mod subscription;
pub mod topics;
pub mod transaction;
pub mod transaction_positions;
mod worker;

pub use backend::{Backend, Profile};
pub use fixture::Fixture;

/// Makes a `#[tokio::test]` of every case of the suite.
///
/// `backend` is an expression of type `Option<std::sync::Arc<dyn Backend>>`, evaluated once a case; `None` passes
/// (whoever gives it says why). The crate that uses the macro needs tokio with `macros` and `rt-multi-thread`.
///
/// ```ignore
/// coursebus_transport::conformance_tests! { backend = backend() }
/// ```
#[macro_export]
macro_rules! conformance_tests {
    (backend = $backend:expr) => {
        /// Not a case: what the cases about processes start as another one.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn member_process() {
            $crate::conformance::process::member_process().await;
        }

        $crate::conformance_tests! { @each $backend;
            absence::a_log_that_is_not_there_is_reported_in_time,
            absence::a_writer_without_a_log_says_not_sent_and_unflushed,
            absence::a_writer_that_gives_up_says_so_of_each_record,
            append::order_is_kept_within_each_partition,
            append::receipts_tell_where_records_lie,
            append::confirmed_records_are_there_after_reopening,
            append::null_and_empty_differ,
            append::headers_keep_order_repeats_and_nulls,
            append::bytes_come_back_as_they_were,
            append::lent_records_lie_between_owned_ones,
            append::a_record_too_large_is_refused_alone,
            append::a_topic_may_take_larger_records,
            append::a_compacted_topic_wants_keys,
            append::an_unknown_topic_is_refused_until_it_is_there,
            append::an_unknown_partition_is_refused,
            append::flush_waits_for_everything,
            append::a_small_budget_is_enough,
            append::timestamps_are_kept_or_given,
            append::receipts_come_after_the_writer_is_dropped,
            cleanup::compaction_keeps_the_last_of_each_key,
            cleanup::compaction_removes_tombstones,
            cleanup::retention_moves_the_beginning,
            group::members_divide_the_partitions,
            group::only_partitions_that_move_are_revoked,
            group::a_member_that_leaves_hands_over,
            group::a_member_too_many_is_told_so,
            group::commits_before_the_release_count,
            group::a_late_release_is_fenced,
            group::nothing_is_handed_out_before_the_start,
            group::a_slow_taker_stays_in_the_group,
            group::a_partition_that_comes_back_is_not_paused,
            group::paused_partitions_rest_and_go_on,
            group::a_taker_that_gives_up_loses_nothing,
            group::a_member_with_a_small_bound_loses_nothing,
            group::leaving_is_bounded,
            group::a_full_member_still_lets_go,
            group::revoked_records_are_not_handed_out,
            group::a_pause_at_the_end_tells_it_once,
            group::members_come_and_go_and_every_record_is_handled,
            group_description::a_group_is_listed_with_its_members_and_positions,
            group_description::a_group_that_nobody_made_is_empty,
            group_description::positions_are_set_only_without_members,
            group_description::positions_are_set_all_or_none,
            group_positions::a_new_group_starts_at_the_first_record,
            group_positions::a_group_goes_on_where_it_committed,
            group_positions::groups_are_independent,
            group_positions::a_start_can_be_given,
            group_positions::a_start_out_of_range_is_an_error,
            group_positions::committed_positions_can_be_asked_for,
            group_positions::only_the_owner_commits,
            group_positions::ends_are_told_to_members,
            group_positions::several_topics_are_read_by_one_group,
            instance::a_named_member_that_comes_back_interrupts_nobody,
            instance::the_older_of_two_members_of_one_name_is_out,
            instance::a_named_member_that_stays_away_loses_its_place,
            instance::bad_names_and_patterns_are_refused,
            process::a_member_that_stood_still_is_fenced,
            process::the_partitions_of_a_killed_process_go_to_others,
            offset_at::times_become_offsets,
            read::from_the_beginning_the_middle_and_the_end,
            read::an_end_is_told_once_and_reading_goes_on,
            read::several_partitions_are_read_together,
            read::a_position_out_of_range_is_an_error,
            read::a_reader_that_gives_up_waiting_loses_nothing,
            read::a_small_bound_loses_nothing,
            read::a_record_larger_than_the_bound_is_read,
            read::waiting_for_nothing_ends_in_time,
            read::a_deleted_topic_ends_its_reader,
            read::records_outlive_their_reader,
            subscription::topics_that_match_a_pattern_are_read,
            subscription::new_partitions_are_read_from_their_first_record,
            subscription::a_topic_only_grows,
            topics::a_new_topic_can_be_used_at_once,
            topics::creating_twice_is_refused,
            topics::bad_topics_are_invalid,
            topics::topics_are_listed,
            topics::what_is_not_there_is_unknown,
            topics::naming_a_topic_does_not_create_it,
            topics::a_deleted_topic_is_gone,
            topics::a_recreated_topic_is_another,
            topics::the_cluster_keeps_its_identity,
            topics::a_range_tells_what_is_there,
            transaction::all_records_become_visible_together,
            transaction::an_aborted_transaction_stays_invisible,
            transaction::beginning_aborts_what_is_open,
            transaction::a_newer_writer_fences_the_older,
            transaction::a_refused_record_leaves_nothing_behind,
            transaction::an_empty_transaction_is_fine,
            transaction::uncommitted_records_are_shown_on_request,
            transaction::small_records_of_one_transaction_fit_a_small_topic,
            transaction_positions::records_and_positions_are_there_together_or_not_at_all,
            transaction_positions::a_stale_members_transaction_is_refused,
            transaction_positions::the_next_member_waits_for_an_open_transaction,
            transaction_positions::the_next_member_begins_when_it_is_settled_who_was_done,
        }
    };
    (@each $backend:expr; $($module:ident::$case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let backend: Option<std::sync::Arc<dyn $crate::conformance::Backend>> = $backend;
                if let Some(backend) = backend {
                    let fixture = $crate::conformance::Fixture::new(backend, stringify!($case)).await;
                    $crate::conformance::$module::$case(&fixture).await;
                }
            }
        )*
    };
}
