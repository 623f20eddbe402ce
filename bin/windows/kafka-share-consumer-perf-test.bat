@echo off
rem Made by scripts/make-launchers.mjs.
node "%~dp0..\kafka-share-consumer-perf-test" %*
