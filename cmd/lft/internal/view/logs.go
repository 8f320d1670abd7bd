package view

import lftv1 "github.com/leifengta/lft/engine/api/lft/v1"

// LogHead stands above a job's log where several are shown.
func LogHead(t *Terminal, j *lftv1.Job) {
	attempt := ""
	if n := len(j.GetAttempts()); n > 1 {
		attempt = " (last attempt)"
	}
	t.Printf("%s\n", t.Style(bold, "==> "+j.GetName()+" "+j.GetState()+attempt))
}

// LogEnd says on Err when a log is not all that was written.
func LogEnd(t *Terminal, end *lftv1.ReadLogResponse) {
	switch end.GetState() {
	case "cut":
		t.Notef("the log was cut: %d bytes more were written\n", end.GetCut())
	case "agent_lost":
		t.Notef("the agent was lost; what it had not shipped is gone\n")
	case "":
		t.Notef("the log goes on; -follow waits for its end\n")
	}
}
