//! Which member is to have which partition. Pure; sticky and balanced.

use std::collections::{BTreeMap, BTreeSet};

/// A member and the partitions of the topics it subscribes to.
pub(crate) struct Candidate {
    pub(crate) id: String,
    pub(crate) eligible: BTreeSet<i64>,
}

/// Divides partitions among members: the counts of two members that could take the same partitions differ by one at most,
/// and a partition stays where it is as long as that holds. `current` says where each partition is or is going now.
/// Partitions that nobody subscribes to are left out.
pub(crate) fn assign(members: &[Candidate], current: &BTreeMap<i64, String>) -> BTreeMap<i64, String> {
    let partitions: BTreeSet<i64> = members.iter().flat_map(|m| m.eligible.iter().copied()).collect();
    let index: BTreeMap<&str, usize> = members.iter().enumerate().map(|(i, m)| (m.id.as_str(), i)).collect();
    let mut of: BTreeMap<i64, usize> = BTreeMap::new();
    let mut load = vec![0usize; members.len()];
    for (&partition, member) in current {
        if let Some(&i) = index.get(member.as_str())
            && members[i].eligible.contains(&partition)
        {
            of.insert(partition, i);
            load[i] += 1;
        }
    }
    for &partition in &partitions {
        if !of.contains_key(&partition)
            && let Some(i) = least_loaded(members, &load, partition)
        {
            of.insert(partition, i);
            load[i] += 1;
        }
    }
    // Each move narrows the spread of two members, so this ends; the bound only guards against an error in it.
    for _ in 0..partitions.len() * members.len().max(1) {
        let Some((partition, from, to)) = imbalance(members, &load, &of) else { break };
        of.insert(partition, to);
        load[from] -= 1;
        load[to] += 1;
    }
    of.into_iter().map(|(partition, i)| (partition, members[i].id.clone())).collect()
}

fn least_loaded(members: &[Candidate], load: &[usize], partition: i64) -> Option<usize> {
    let eligible = (0..members.len()).filter(|&i| members[i].eligible.contains(&partition));
    eligible.min_by_key(|&i| (load[i], &members[i].id))
}

/// A partition whose move to a less loaded member makes the division more even. The last partition moves first.
fn imbalance(members: &[Candidate], load: &[usize], of: &BTreeMap<i64, usize>) -> Option<(i64, usize, usize)> {
    of.iter().rev().find_map(|(&partition, &from)| {
        let to = least_loaded(members, load, partition)?;
        (load[from] > load[to] + 1).then_some((partition, from, to))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates(names: &[&str], partitions: impl Iterator<Item = i64> + Clone) -> Vec<Candidate> {
        names.iter().map(|n| Candidate { id: (*n).to_owned(), eligible: partitions.clone().collect() }).collect()
    }

    fn counts(assignment: &BTreeMap<i64, String>, names: &[&str]) -> Vec<usize> {
        names.iter().map(|n| assignment.values().filter(|m| m == n).count()).collect()
    }

    #[test]
    fn a_newcomer_gets_its_share_and_nothing_else_moves() {
        let first = assign(&candidates(&["a"], 0..4), &BTreeMap::new());
        let second = assign(&candidates(&["a", "b"], 0..4), &first);
        assert_eq!(counts(&second, &["a", "b"]), [2, 2]);
        let third = assign(&candidates(&["a", "b", "c"], 0..4), &second);
        let moved = second.iter().filter(|(p, m)| third[p] != **m).count();
        assert_eq!((moved, counts(&third, &["a", "b", "c"])), (1, vec![2, 1, 1]));
        let back = assign(&candidates(&["a", "c"], 0..4), &third);
        assert_eq!(counts(&back, &["a", "c"]), [2, 2]);
    }

    #[test]
    fn members_have_only_partitions_of_their_topics() {
        let members = [
            Candidate { id: "a".into(), eligible: (0..6).collect() },
            Candidate { id: "b".into(), eligible: (0..2).collect() },
        ];
        let assignment = assign(&members, &BTreeMap::new());
        assert_eq!(counts(&assignment, &["a", "b"]), [4, 2]);
    }

    proptest! {
        #[test]
        fn is_total_balanced_and_stable(members in 1..6usize, partitions in 0..20i64, history in prop::collection::vec(1..6usize, 0..4)) {
            let names = ["a", "b", "c", "d", "e", "f"];
            let mut current = BTreeMap::new();
            for count in history {
                current = assign(&candidates(&names[..count], 0..partitions), &current);
            }
            let now = assign(&candidates(&names[..members], 0..partitions), &current);
            prop_assert_eq!(now.len() as i64, partitions);
            let counts = counts(&now, &names[..members]);
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
            prop_assert_eq!(&assign(&candidates(&names[..members], 0..partitions), &now), &now);
        }
    }
}
