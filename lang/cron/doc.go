// Package cron is the timetable: which instants a schedule asks for.
//
// A Timetable is compiled from plain strings (Compile) and answers, for any
// instant, which one comes next, which one came before, and how many lie
// between. It is a value without a clock: the same Spec and the same argument
// give the same answer on every machine and for ever, because time is an
// argument and the zone data (release ZoneData) is part of the program. The
// system's zone files are never looked at: two masters must not disagree.
//
// # Expressions
//
// Five fields are classic cron: minute, hour, day of month, month, day of week
// (0 and 7 are Sunday). Where both day fields are restricted, a day that
// matches either one counts, as in Vixie cron; a day field that starts with a
// star does not restrict in this sense, so that "*/2" and "MON" must both hold.
//
// Six or seven fields are Quartz: seconds first, years (1970-2199) last, days
// of the week from SUN = 1 to SAT = 7, ranges that wrap ("22-2"), and
//
//	L      last day of the month; L-3: three days before it
//	15W    the weekday (Monday to Friday) nearest to the 15th, inside the month
//	LW     the last weekday; L-3W: the weekday nearest to L-3
//	6L     the last Friday of the month, also FRIL; L alone is Saturday
//	6#3    the third Friday, also FRI#3
//	?      nothing said: for one of the two day fields
//
// Restricting both day fields is refused there, as in Quartz. A day that a
// month does not have is not made up: 31, 31W and 6#5 skip the short months,
// and an expression that never matches (30 February) has no next instant.
//
// # Zones
//
// An expression is read on the local clock of the schedule's zone.
//   - Fixed hour: each matching local time fires once, at the first instant at
//     which the local clock shows it or a later time. So a time in the gap of
//     spring fires at the end of the gap (several in one gap: one instant), and
//     a time that autumn repeats fires in the first pass.
//   - Wild hour, that is an hour field with "*", "*/n" or "0/n": real elapsed
//     time. What the gap leaves out does not fire, both passes of autumn do.
//
// "every" counts elapsed time from the Unix epoch plus an offset and knows no
// zone. Start is included, end is not. A calendar looks at the local date on
// which an instant falls.
//
// The package must never read a clock, a file or the environment, and never
// guess: what it does not understand is an error that says where and what to
// write instead.
package cron
