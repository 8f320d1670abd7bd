package view

// Initialized says what may follow the first look at a folder. flow is what can
// be run of a project that was just written, "" when it was there before.
func (t *Terminal) Initialized(flow string) {
	if flow == "" {
		t.Printf("This folder holds a project already; there is nothing to initialize.\n")
		return
	}
	t.Printf("\n%s Next:\n\n"+
		"    lft plan            # what would be deployed\n"+
		"    lft apply           # deploy it into .lft/ of this folder\n"+
		"    lft run %-11s # run it once, here and now\n"+
		"    lft dev             # master, agent and schedules in one process\n",
		t.Style(green, "The project is written."), flow)
}
