# Is the service there, does it run, and what does the scheduler say of itself? Needs no administrator.
param([Parameter(Mandatory = $true)] [string] $SchedulerHome)
$ErrorActionPreference = 'Stop'

$service = Get-CimInstance Win32_Service -Filter "Name='posting-scheduler'"
if (-not $service) { Write-Output 'NOT INSTALLED'; exit 1 }
Write-Output "$($service.State.ToUpper())  PID $($service.ProcessId), starts $($service.StartMode)"
Write-Output "Program $($service.PathName)"
$failures = Get-WinEvent -FilterHashtable @{ LogName = 'System'; ProviderName = 'Service Control Manager'; Id = 7031, 7034; StartTime = (Get-Date).AddDays(-7) } -ErrorAction SilentlyContinue |
  Where-Object { $_.Message -like '*posting-scheduler*' }
Write-Output "Unexpected ends in the last 7 days: $(@($failures).Count)"
& node (Join-Path $PSScriptRoot '..\..\bin\scheduler.js') --home $SchedulerHome --status
if ($service.State -ne 'Running') { exit 1 }
