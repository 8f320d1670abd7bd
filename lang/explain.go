package lang

import "slices"

// Explanation documents a code for people who met it.
type Explanation struct {
	Code    string
	Title   string // one line, without a full stop
	Cause   string // what is wrong, and why it is refused
	Example string // HCL with the fault
	Advice  string // what to do
}

// Explain returns the documentation of a code.
func Explain(code string) (Explanation, bool) {
	i := slices.IndexFunc(explanations[:], func(e Explanation) bool { return e.Code == code })
	if i < 0 {
		return Explanation{}, false
	}
	return explanations[i], true
}

// Explanations returns the documentation of all codes, sorted by code.
func Explanations() []Explanation { return slices.Clone(explanations[:]) }

// explanations are sorted by code.
var explanations = [...]Explanation{
	{
		Code: CodeCheck, Title: "A check of the folder does not hold",
		Cause: "The condition of an assert in a check block is false. This is a warning: a check tells, it does not stop the plan.",
		Example: `check "holidays" {
  assert {
    condition     = length(var.holidays) > 0
    error_message = "The calendar of the new year is missing."
  }
}`,
		Advice: "Read the message, which the author of the folder wrote, and set right what it names. To stop the plan instead, write a precondition in the flow or job, or a validation in the variable.",
	},
	{
		Code: CodeCycle, Title: "Things need each other in a circle",
		Cause: "Each waits for the next, and the last for the first, so that none can start: jobs by after or by what they read, local values by what they mention, modules by their inputs, flows by the flows they start.",
		Example: `locals {
  a = local.b
  b = local.a
}`,
		Advice: "The message shows the circle, each step with its file and line. Take away the step that is not needed. A job that only wants to know how another one ended reads job.NAME.status, which makes an edge too.",
	},
	{
		Code: CodeDependency, Title: "Files cannot be handed to jobs",
		Cause: "The source of a dependency is not there, or holds what would not be the same elsewhere: a link that leads out of it, a pipe or a device, a name that cannot be seen, more files than a folder may have.",
		Example: `dependency "etl" {
  source = "../elsewhere"
}`,
		Advice: "Keep the files in the folder of the configuration. Name what is not needed in a file .lftignore at the top of the source, in the words of .gitignore. Pack large trees into one .tar.gz or .zip, which is unpacked where the jobs run.",
	},
	{
		Code: CodeDisabled, Title: "An edge leads to something that is not enabled",
		Cause: "A job waits for another one that has enabled = false. That one does not exist, so the job does not wait for it. This is a warning.",
		Example: `job "shell" "load" {
  after   = [job.extract]   # which has enabled = false
  command = ["load"]
}`,
		Advice: "Give both the same enabled, or take the edge out when it is not needed any more.",
	},
	{
		Code: CodeDuplicate, Title: "Something is declared twice",
		Cause: "Two blocks have one name, or one map has a key twice. Which of them should count cannot be told.",
		Example: `flow "sales" {}

flow "sales" {}`,
		Advice: "Give one of them another name. For many objects of one form, write one block with for_each.",
	},
	{
		Code: CodeEncoding, Title: "A file is no plain text",
		Cause: "The file is not UTF-8, holds a NUL byte, or a mark that changes the direction of the text, so that it does not look like what it is.",
		Example: `flow "sales" {
  description = "…"   # saved as Latin-1, or with U+202E in it
}`,
		Advice: "Save the file as UTF-8. In a quoted text, write a mark of direction as \\u202E.",
	},
	{
		Code: CodeInternal, Title: "lft met a defect of its own",
		Cause:   "This should never be seen. Nothing was changed.",
		Example: `# Whatever you wrote, the fault is ours.`,
		Advice:  "Please report the message, with the piece of configuration it names if you can share it.",
	},
	{
		Code: CodeExpression, Title: "An expression has no value",
		Cause: "An operator, a function or an index was given what it cannot work with, or a function is not known here. Functions of run-time expressions are fewer than those of the plan, because the master evaluates them.",
		Example: `locals {
  n = "two" + 1
}`,
		Advice: "The message names the part at fault. try(EXPRESSION, OTHERWISE) says what counts when there is no value. What only the plan can compute goes into a local value.",
	},
	{
		Code: CodeName, Title: "A name does not have the form of a name",
		Cause:   "Names are part of addresses, files and environment variables. They start with a lower-case letter, followed by lower-case letters, digits, _ or -, 64 at most. A key of for_each may be any text that can be seen.",
		Example: `flow "Daily Sales" {}`,
		Advice:  "Write it as daily_sales or daily-sales, and put the words for people into description.",
	},
	{
		Code: CodeValue, Title: "A value is not one of those that can stand there",
		Cause: "It has the wrong type, is out of range, is not one of a few words, or has no effect beside the others.",
		Example: `job "shell" "a" {
  command  = ["x"]
  priority = 5000
}`,
		Advice: "The message says what is taken.",
	},
	{
		Code: CodeLimit, Title: "Something is larger than lft takes",
		Cause: "Files, values, instances, jobs, edges, nesting and the time of evaluation have bounds, so that no folder can use up the machine that reads it. The message names the bound.",
		Example: `flow "f" {
  job "noop" "many" {
    for_each = { for p in setproduct(range(200), range(100)) : join("-", p) => p }
  }
}`,
		Advice: "Split what is too large: a file into several, a flow into several. Large data belongs into files that jobs read, not into the configuration.",
	},
	{
		Code: CodeMissing, Title: "Something that is required is not there",
		Cause: "A block lacks an attribute or a label, a flow is started without a parameter that has no default, or a schedule does not say when to fire.",
		Example: `schedule "nightly" {
  flow = flow.sales   # neither cron nor every
}`,
		Advice: "Add what the message names.",
	},
	{
		Code: CodeSource, Title: "A module cannot be read",
		Cause: "The source of a module block is not the path of a folder with configuration, or of an archive that holds one. Paths start with ./ or ../ and are relative to the file they stand in; a part of a checkout or an archive follows after two slashes. Nothing is fetched from a network.",
		Example: `module "etl" {
  source = "github.com/example/etl"
}`,
		Advice: "Bring the module to where the folder lies, by git or by hand, and name its path: ../etl//modules/daily or ./vendor/etl.zip//daily.",
	},
	{
		Code: CodeMove, Title: "A moved or removed block contradicts the rest",
		Cause: "What is moved from is still declared, two blocks move one thing to two places or two things to one, the kinds differ, or a removed block names what is declared.",
		Example: `moved {
  from = flow.a
  to   = flow.b
}

flow "a" {}
flow "b" {}`,
		Advice: "A moved block tells that one object has a new name: the old one must be gone from the configuration. Once every state has seen it, the block may be deleted.",
	},
	{
		Code: CodeCollision, Title: "Two names are one in the environment of a job",
		Cause: "Parameters and dependencies become environment variables, in upper case and with _ for -, so that two names can meet there. Names that start with LFT_ belong to lft.",
		Example: `param "run-day" { type = string }
param "run_day" { type = string }`,
		Advice: "Give one of them another name.",
	},
	{
		Code: CodePartial, Title: "The plan is not complete",
		Cause: "With -target or -exclude a plan leaves out changes, so that after its apply the project is not what the folder declares. This is a warning: it is meant for exceptions.",
		Example: `# lft plan -target=flow.sales
flow "sales" {}
flow "other" {}`,
		Advice: "Plan once more without the flags, soon.",
	},
	{
		Code: CodePrecondition, Title: "A precondition does not hold",
		Cause: "A flow, a job or an output says what must be true before it may be planned, and it is not.",
		Example: `flow "sales" {
  precondition {
    condition     = contains(["dev", "prod"], var.stage)
    error_message = "There is no stage of that name."
  }
}`,
		Advice: "Read the message, which the author of the flow wrote, and set right what it names: most often the value of a variable.",
	},
	{
		Code: CodeProtected, Title: "What is protected would be destroyed",
		Cause: "The object was deployed with protected = true, and its block is gone, or its module, or everything is to be destroyed. The guard is kept in the state, so that it outlives the block.",
		Example: `pool "licences" {
  slots     = 5
  protected = true
}`,
		Advice: "Should it go, apply it with protected = false before, or name it in a removed block: removed { from = pool.licences }.",
	},
	{
		Code: CodeRead, Title: "A folder or a file cannot be read",
		Cause:   "It is not there, may not be read, or has no configuration in it: files whose names end in .hcl or .lft.json.",
		Example: `# lft plan -var-file=missing.vars`,
		Advice:  "Check the name, and the folder that the command works in; -chdir gives another one.",
	},
	{
		Code: CodeVersion, Title: "Another version of lft is required",
		Cause: "required_version in the lft block does not admit this version, or cannot be read. It is checked before anything else, so that words of a later version are not reported as typing errors.",
		Example: `lft {
  required_version = ">= 2.0, < 3"
}`,
		Advice: "Use a version that the folder asks for, or change what it asks for.",
	},
	{
		Code: CodeRunTime, Title: "A value is needed now and only known when a job runs",
		Cause: "run.*, param.*, job.* and dependency.*.path get their values when a job is prepared. for_each, names, enabled, schedules and local values decide what is planned, so they must be known before. The script of a shell job takes no run-time values either, lest a value be read as a command.",
		Example: `job "shell" "load" {
  for_each = job.extract.output.files
  command  = ["load"]
}`,
		Advice: "Hand the value to the job where it is needed: by env, by an argument of command, or by stdin.",
	},
	{
		Code: CodeSensitive, Title: "A sensitive value would have to be shown",
		Cause: "Names, keys, for_each, enabled, moved addresses and messages of conditions are part of what everybody sees. A value that is sensitive, or was computed from one, cannot decide them. The output of a project that is sensitive must say so.",
		Example: `variable "tenants" {
  type      = set(string)
  sensitive = true
}

flow "load" {
  for_each = var.tenants
}`,
		Advice: "Keep the secret in the values of a map and take its keys from elsewhere. Where the value is no secret, say nonsensitive(VALUE). An output takes sensitive = true.",
	},
	{
		Code: CodeSyntax, Title: "The text is not HCL",
		Cause: "A bracket or quote is not closed, an equals sign or a line break is missing, an argument is given twice.",
		Example: `flow "sales" {
  job "shell" "a" {
    command = ["x"
  }
}`,
		Advice: "The place is where reading ended; the fault is there or just before. While a file cannot be read, only that is reported. lft fmt shows how a file is understood.",
	},
	{
		Code: CodeTarget, Title: "A pattern of -target or -exclude means nothing",
		Cause: "No object that is declared or deployed has such an address. An address without its key means all its instances, that of a module all that is inside; * stands for any text and ? for one character. A job is deployed with its flow and has no pattern of its own.",
		Example: `# lft plan -target=flow.sale
flow "sales" {}`,
		Advice: "The message suggests the nearest address; lft state list shows those that are deployed.",
	},
	{
		Code: CodeUnguarded, Title: "An output is read that may not exist",
		Cause: "A job has outputs only when it succeeded. With the trigger of the job that reads them, or because a job before may be skipped, this one may run although that one did not succeed. The same holds for an output of a flow.",
		Example: `job "shell" "report" {
  trigger = "all_done"
  command = ["report", job.load.output.rows]
}`,
		Advice: "Say what holds then: try(job.load.output.rows, 0). Or use a trigger that waits for success, which all_success does.",
	},
	{
		Code: CodeReference, Title: "A reference leads nowhere",
		Cause: "No variable, local value, flow, job, output, parameter, pool, calendar, dependency or module of that name is declared, or not with that key, or it is not one of the things that may be named there.",
		Example: `variable "stage" {}

locals {
  name = "sales-${var.stgae}"
}`,
		Advice: "The message suggests the nearest name. Of what has for_each, an instance is named by its key: flow.load[\"berlin\"].",
	},
	{
		Code: CodeUnknown, Title: "There is no such word here",
		Cause: "The block or attribute is not known at this place. It is refused because a misspelt word that is ignored is a surprise later.",
		Example: `flow "sales" {
  job "shell" "a" {
    comand = ["x"]
  }
}`,
		Advice: "The message suggests the nearest word. A block is written NAME { … }, an attribute NAME = VALUE.",
	},
	{
		Code: CodeUnsupported, Title: "This version of lft cannot do that",
		Cause:   "The word is part of the language, but this version cannot act on it. It is refused, because a deadline that is accepted and ignored is worse than none. Also here: count and provisioners, which lft does not have, and Airflow's rule for setup and teardown.",
		Example: `notify "oncall" {}`,
		Advice:  "Take it out, or use a later version.",
	},
	{
		Code: CodeValidation, Title: "A variable has a value that its own rule refuses",
		Cause: "The condition of a validation block is false for the value that was given.",
		Example: `variable "slots" {
  type = number
  validation {
    condition     = var.slots > 0
    error_message = "At least one slot is needed."
  }
}`,
		Advice: "Give another value; the message says which ones are taken.",
	},
	{
		Code: CodeVariable, Title: "A variable has no value, or an unsuitable one from outside",
		Cause: "Values come, the later winning, from default, LFT_VAR_NAME, lft.vars, *.auto.vars in the order of their names, and -var and -var-file in the order given. A variable without default needs one of them. A value for a variable that the folder does not declare is an error on the command line, a warning in a file, and ignored in the environment.",
		Example: `variable "stage" {
  type = string
}`,
		Advice: "lft plan -var stage=dev, or a line stage = \"dev\" in lft.vars, or a default.",
	},
}
