// Package status decides which colour a person has, why, and until when.
//
// Decide and Timeline are pure functions of a person's Evidence, a Schedule of
// dated rule sets and a time. A rule set is data: YAML whose conditions are CEL
// expressions in a small language in which
//
//   - every expression ends, costs a bounded amount and cannot fail, because
//     what could fail (indexing, arithmetic, conversions) is not in it;
//   - whatever moves with time may only be compared with a constant, so that the
//     moments at which a colour can change are computed, never declared and
//     never forgotten;
//   - every rule carries cases, and a rule set whose cases do not all pass, or
//     whose rules are not all reached by them, does not load.
//
// The package promises that a Timeline says of every minute before its Until
// exactly what deciding afresh in that minute would say, if no evidence comes
// and no rule set is published. It promises nothing about the truth of the
// evidence, about who may see a colour, or about what a venue does with one:
// exemption and missing data are reasons, for the person and the venue's policy.
//
// All civil days and times are Western Indonesian (package day).
package status
