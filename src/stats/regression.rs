//! Least squares with an intercept, and inference on its coefficients (METHODOLOGY section 9).

use nalgebra::{DMatrix, DVector};
use statrs::distribution::{ContinuousCDF, Normal};

use super::real;

/// Minimum ratio of the smallest to the largest eigenvalue of the scaled normal matrix for independent columns.
const RANK_TOLERANCE: f64 = 1e-12;

/// A fitted regression. Coefficient 0 is the intercept, the regressors follow in the order given.
#[derive(Debug, Clone)]
pub struct Regression {
    design: DMatrix<f64>,
    residuals: DVector<f64>,
    coefficients: DVector<f64>,
    /// Inverse of `X'X`.
    bread: DMatrix<f64>,
}

/// The covariance of the coefficients under one assumption on the errors.
#[derive(Debug, Clone)]
pub struct Inference {
    coefficients: DVector<f64>,
    covariance: DMatrix<f64>,
}

/// A number with its standard error and the two-sided p-value of the hypothesis that it is zero (normal distribution).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Value, in y's unit per the regressor's.
    pub value: f64,
    /// Standard error, in the same unit.
    pub standard_error: f64,
    /// Two-sided p-value in [0, 1].
    pub p_value: f64,
}

impl Regression {
    /// Fits `y` on the regressors and an intercept.
    ///
    /// `None` for unequal lengths, no more observations than coefficients, or columns that are not independent:
    /// a constant regressor, or one implied by others.
    #[must_use]
    pub fn fit(y: &[f64], regressors: &[&[f64]]) -> Option<Self> {
        let (n, k) = (y.len(), regressors.len() + 1);
        if n <= k || regressors.iter().any(|column| column.len() != n) {
            return None;
        }
        let design = DMatrix::from_fn(n, k, |row, column| if column == 0 { 1.0 } else { regressors[column - 1][row] });
        let y = DVector::from_column_slice(y);
        let bread = inverse_normal_matrix(&design)?;
        let coefficients = &bread * design.tr_mul(&y);
        let residuals = y - &design * &coefficients;
        Some(Self { design, residuals, coefficients, bread })
    }

    /// Returns intercept and slopes, in y's unit per the regressor's.
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        self.coefficients.as_slice()
    }

    /// Infers under independent errors of one variance.
    #[must_use]
    pub fn classic(&self) -> Inference {
        let variance = self.residuals.norm_squared() / real(self.design.nrows() - self.design.ncols());
        Inference { coefficients: self.coefficients.clone(), covariance: &self.bread * variance }
    }

    /// Infers under errors of changing variance that are correlated over up to `lags` observations.
    ///
    /// Newey and West (1987): Bartlett weights `1 - l / (lags + 1)`, no small-sample factor.
    #[must_use]
    pub fn newey_west(&self, lags: usize) -> Inference {
        let scores = DMatrix::from_fn(self.design.nrows(), self.design.ncols(), |row, column| {
            self.design[(row, column)] * self.residuals[row]
        });
        let mut meat = scores.tr_mul(&scores);
        for lag in 1..=lags.min(scores.nrows() - 1) {
            let overlap = scores.nrows() - lag;
            let cross = scores.rows(lag, overlap).tr_mul(&scores.rows(0, overlap));
            let weight = 1.0 - real(lag) / (real(lags) + 1.0);
            meat += (&cross + cross.transpose()) * weight;
        }
        Inference { coefficients: self.coefficients.clone(), covariance: &self.bread * meat * &self.bread }
    }
}

impl Inference {
    /// Returns one coefficient; `None` if the index is out of range or its standard error is zero.
    #[must_use]
    pub fn coefficient(&self, index: usize) -> Option<Estimate> {
        let mut weights = vec![0.0; self.coefficients.len()];
        *weights.get_mut(index)? = 1.0;
        self.combination(&weights)
    }

    /// Returns a weighted sum of coefficients, with `sqrt(L'VL)` as its standard error.
    ///
    /// `None` unless there is one weight per coefficient, or if the standard error is zero.
    #[must_use]
    pub fn combination(&self, weights: &[f64]) -> Option<Estimate> {
        if weights.len() != self.coefficients.len() {
            return None;
        }
        let weights = DVector::from_column_slice(weights);
        let value = weights.dot(&self.coefficients);
        let standard_error = weights.dot(&(&self.covariance * &weights)).max(0.0).sqrt();
        let p_value = 2.0 * Normal::standard().sf((value / standard_error).abs());
        (standard_error > 0.0).then_some(Estimate { value, standard_error, p_value })
    }
}

/// Returns the inverse of `X'X`, computed with columns of unit length so that their units do not matter.
fn inverse_normal_matrix(design: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let lengths: Vec<f64> = design.column_iter().map(|column| column.norm()).collect();
    if lengths.iter().any(|&length| length <= 0.0) {
        return None;
    }
    let normal = design.tr_mul(design);
    let k = lengths.len();
    let scaled = DMatrix::from_fn(k, k, |i, j| normal[(i, j)] / (lengths[i] * lengths[j]));
    let eigenvalues = scaled.clone().symmetric_eigenvalues();
    if eigenvalues.min() <= RANK_TOLERANCE * eigenvalues.max() {
        return None;
    }
    let inverse = scaled.cholesky()?.inverse();
    Some(DMatrix::from_fn(k, k, |i, j| inverse[(i, j)] / (lengths[i] * lengths[j])))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_line_is_fitted_exactly() {
        let x = [1.0, 2.0, 3.0, 4.0];
        let y = x.map(|x| 3.0 - 2.0 * x);
        let fit = Regression::fit(&y, &[&x]).unwrap();
        assert!((fit.coefficients()[0] - 3.0).abs() < 1e-12);
        assert!((fit.coefficients()[1] + 2.0).abs() < 1e-12);
    }

    #[rstest]
    #[case::too_few(&[1.0, 2.0], &[1.0, 2.0])]
    #[case::unequal(&[1.0, 2.0, 3.0], &[1.0, 2.0])]
    #[case::constant(&[1.0, 2.0, 3.0], &[4.0, 4.0, 4.0])]
    #[case::zero(&[1.0, 2.0, 3.0], &[0.0, 0.0, 0.0])]
    fn a_design_without_rank_has_no_fit(#[case] y: &[f64], #[case] x: &[f64]) {
        assert!(Regression::fit(y, &[x]).is_none());
    }

    #[test]
    fn zero_lags_give_the_errors_of_white() {
        let x = [0.0, 0.0, 1.0, 1.0];
        let fit = Regression::fit(&[0.0, 2.0, 5.0, 9.0], &[&x]).unwrap();
        let slope = fit.newey_west(0).coefficient(1).unwrap();
        // Group means 1 and 7; each group's variance of the mean is (1 + 1) / 4 and (4 + 4) / 4.
        assert!((slope.value - 6.0).abs() < 1e-12);
        assert!((slope.standard_error - 2.5_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_combination_needs_a_weight_per_coefficient() {
        let fit = Regression::fit(&[0.0, 2.0, 5.0, 9.0], &[&[0.0, 1.0, 2.0, 4.0]]).unwrap();
        assert_eq!(fit.classic().combination(&[1.0]), None);
        assert_eq!(fit.classic().coefficient(2), None);
    }
}
