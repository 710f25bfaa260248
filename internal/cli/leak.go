package cli

type leakCmd struct {
	Simulate leakSimulateCmd `cmd:"" help:"Draw leaks and trace them: how much must survive, and how often an innocent copy is named."`
}
