/// Thins rows to at most about `max_points`, keeping the first, the last, and each bucket's least
/// and greatest row, so that no extreme is lost to the eye.
pub(super) fn downsample_min_max<T: Clone>(rows: Vec<T>, max_points: Option<usize>, value: impl Fn(&T) -> f64) -> Vec<T> {
    let Some(max_points) = max_points.filter(|max| rows.len() > *max) else { return rows };
    let buckets = (max_points / 2).max(1);
    let mut kept = Vec::with_capacity(2 * buckets + 2);
    for bucket in 0..buckets {
        let from = bucket * rows.len() / buckets;
        let to = (bucket + 1) * rows.len() / buckets;
        let by_value = |a: &usize, b: &usize| value(&rows[*a]).total_cmp(&value(&rows[*b]));
        kept.extend((from..to).min_by(by_value));
        kept.extend((from..to).max_by(by_value));
    }
    kept.extend([0, rows.len() - 1]);
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|index| rows[index].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_and_ends_survive() {
        let mut rows: Vec<f64> = (0..1_000).map(f64::from).collect();
        rows[500] = -7.0;
        rows[501] = 9_999.0;
        let thinned = downsample_min_max(rows.clone(), Some(20), |row| *row);
        assert!(thinned.len() <= 22);
        for kept in [0.0, 999.0, -7.0, 9_999.0] {
            assert!(thinned.contains(&kept), "{kept} was lost");
        }
        assert_eq!(downsample_min_max(rows.clone(), None, |row| *row), rows);
    }
}
