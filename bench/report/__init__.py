"""Tables and the chart, from what was measured."""
