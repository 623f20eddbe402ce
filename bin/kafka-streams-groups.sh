#!/usr/bin/env node
// Made by scripts/make-launchers.mjs.
require('./launch.cjs')('kafka-streams-groups');
