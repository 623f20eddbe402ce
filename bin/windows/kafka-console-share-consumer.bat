@echo off
rem Made by scripts/make-launchers.mjs.
node "%~dp0..\kafka-console-share-consumer" %*
