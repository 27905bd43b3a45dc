//! Values of trusted libraries, checked against ours.

#[cfg(test)]
mod drawdown;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod moments;
#[cfg(test)]
mod rank;
