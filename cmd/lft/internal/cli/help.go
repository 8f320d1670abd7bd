package cli

// The help texts show flags with a single dash, as Terraform does.
const (
	flagHelp = `{{define "flag"}}  {{$type := .TypeName}}{{$name := index .Names 0}}{{if eq $type "bool" ""}}{{printf "-%-22s" $name}}` +
		`{{else}}{{printf "-%-22s" (printf "%s=%s" $name $type)}}{{end}} {{.GetUsage}}
{{end}}`

	rootHelp = flagHelp + `Usage: lft [-chdir=DIR] COMMAND [flags] [arguments]

lft is {{.Usage}}.

Commands:
{{range .VisibleCommands}}  {{printf "%-12s" .Name}} {{.Usage}}
{{end}}
Flags before the command:
{{range .VisibleFlags}}{{template "flag" .}}{{end}}
lft COMMAND -help tells more.
`

	verbHelp = flagHelp + `Usage: {{.FullName}} {{if .VisibleFlags}}[flags] {{end}}{{.ArgsUsage}}

  {{.Usage}}.
{{if .Description}}
{{.Description}}
{{end}}{{if .VisibleFlags}}
Flags:
{{range .VisibleFlags}}{{template "flag" .}}{{end}}{{end}}`
)
