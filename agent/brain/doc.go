// Package brain decides what an agent does. It is a pure state machine: events
// go in by Step, all that follows comes out as one Ready.
//
// It promises
//   - that a token is handed to a keeper only when its order is durable in the
//     journal, and never to a second keeper once the first may have forked it;
//   - that an order which needs something on this host first is not taken before
//     that is there: until then nothing is known of it, after a crash or a new
//     session it is as if it had never come, and it holds no slot;
//   - that a repeated order, in whatever message, is answered from what is known
//     and never leads to a second start;
//   - that a result is told again and again until the master has acknowledged it,
//     and that a token is forgotten only when its result and its whole log are
//     acknowledged and the session that ordered it is closed;
//   - that no master of a lower epoch than one already obeyed is obeyed;
//   - that every token is named to a master (Hello) before that master's first
//     order is taken.
//
// What it knows after a crash is the journal's records (New) and what the keeper
// lists (KeeperUp); nothing else is needed, and whatever Ready handed out in
// between may have been lost. It never does I/O, reads a clock or depends on the
// order of a map. Times are the agent's boot-time clock.
package brain
