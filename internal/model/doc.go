// Command model explores every state that one event can come into through T2 to T9, and looks whether an invariant breaks.
package main
