// Package keeper is the parent process of an agent's jobs, and its client.
//
// One keeper lives beside one agent and outlives it: it is parent and subreaper
// of every job, holds their pipes, timeouts, kill grace, isolation deadlines
// and exit records, and copies what they write into spool files. An agent that
// dies takes nothing along; the next one dials the same socket, is told every
// token the keeper knows, and goes on.
//
// It promises: an attempt is reported as ended only after its whole process
// tree is gone; an exit record is kept until the agent forgets it; what a job
// wrote is in the spool, or is counted as cut; a signal reaches only processes
// that descend from the keeper. A keeper that dies takes its jobs with it (the
// kernel kills them, the next keeper sweeps the rest), so their end is known.
//
// An agent of another build has it become its own program: by exec in place, so
// that the process, its jobs and their logs, timeouts and deadlines go on. A
// program that cannot take over is found out before, and the keeper goes on as it
// is.
//
// It decides nothing: which attempt may start, and what an exit code means, is
// the agent's business. It never starts one token twice while it knows it, never
// reads from the network and never writes outside its directory:
//
//	DIR/keeper.sock   the protocol
//	DIR/keeper.lock   held while a keeper lives
//	DIR/spool/TOKEN   what an attempt wrote, freed from the front
//	DIR/slot/N/       work directory and output file of one running attempt
//
// All times are microseconds of the boot-time clock, which runs on in suspend.
package keeper
