package main

type demoCmd struct {
	Once bool `help:"Play one call in a temporary folder, show what comes of it, and exit."`
}

// Run plays.
func (demoCmd) Run(*Settings, *streams) error { return nil }
