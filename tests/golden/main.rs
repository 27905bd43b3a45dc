//! Values of trusted libraries, checked against ours.

#[cfg(test)]
mod ciss;
#[cfg(test)]
mod cross_asset;
#[cfg(test)]
mod drawdown;
#[cfg(test)]
mod extremes;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod moments;
#[cfg(test)]
mod options;
#[cfg(test)]
mod phases;
#[cfg(test)]
mod rank;
#[cfg(test)]
mod real_data;
#[cfg(test)]
mod safe_haven;
#[cfg(test)]
mod volatility;
