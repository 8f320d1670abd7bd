package record

// Live is every row the kernel needs after a restart: those of executions that
// have not ended, and what bounds the future. It never holds history.
type Live struct {
	Now        Time // the database's, when the rows were read
	Executions []Execution
	Jobs       []Job     // of Executions, ordered by execution and number
	Attempts   []Attempt // of Executions; the last of each job is enough
	Cursors    []Cursor
	Adopted    []Adopted
	Agents     []Agent
	Overrides  []Override
}
