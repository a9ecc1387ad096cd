#!/usr/bin/env node
require("./bundle.cjs").cli();
