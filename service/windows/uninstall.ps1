# Stops posting-scheduler in order and takes its Windows service away. The home stays as it is. Run as administrator.
#Requires -RunAsAdministrator
param([Parameter(Mandatory = $true)] [string] $SchedulerHome)
$ErrorActionPreference = 'Stop'

$folder = Join-Path (Resolve-Path $SchedulerHome).Path 'service'
$service = Join-Path $folder 'posting-scheduler.exe'
if (-not (Test-Path $service)) { throw "No service of this home is installed ($service is not there)." }
& $service stop
& $service uninstall
if ($LASTEXITCODE -ne 0) { throw "WinSW could not take the service away (code $LASTEXITCODE)." }
Remove-Item $folder -Recurse -Force
Write-Output 'Stopped and removed.'
