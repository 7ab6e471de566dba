# Installs posting-scheduler as a Windows service by WinSW. Run as administrator:
#   .\install.ps1 -SchedulerHome D:\posting -WinSW C:\Tools\WinSW-x64.exe
# WinSW is not part of this program: download it yourself and name it here.
#Requires -RunAsAdministrator
param(
  [Parameter(Mandatory = $true)] [string] $SchedulerHome,
  [Parameter(Mandatory = $true)] [string] $WinSW
)
$ErrorActionPreference = 'Stop'

$node = (Get-Command node -ErrorAction SilentlyContinue).Source
if (-not $node) { throw 'Node was not found: install Node 24.11 or newer first.' }
$version = [version]((& $node --version).TrimStart('v'))
if ($version -lt [version]'24.11.0') { throw "Node $version is too old: 24.11 or newer is needed." }
if (-not (Test-Path $WinSW)) { throw "There is no WinSW at $WinSW." }

$home_ = (Resolve-Path $SchedulerHome).Path
$entry = (Resolve-Path (Join-Path $PSScriptRoot '..\..\bin\scheduler.js')).Path
$folder = Join-Path $home_ 'service'
$definition = Join-Path $folder 'posting-scheduler.xml'

$existing = Get-CimInstance Win32_Service -Filter "Name='posting-scheduler'"
if ($existing -and $existing.PathName -notlike "*$folder*") {
  throw "A service posting-scheduler of another home exists: $($existing.PathName). Take it away there first by uninstall.ps1."
}
if ($existing) { & (Join-Path $PSScriptRoot 'uninstall.ps1') -SchedulerHome $home_ }

New-Item -ItemType Directory -Force -Path $folder | Out-Null
Copy-Item $WinSW (Join-Path $folder 'posting-scheduler.exe') -Force
$escape = { param($text) [System.Security.SecurityElement]::Escape($text) }
$text = Get-Content -Raw -Encoding UTF8 (Join-Path $PSScriptRoot 'posting-scheduler.xml')
$text = $text.Replace('@NODE@', (& $escape $node)).Replace('@ENTRY@', (& $escape $entry)).Replace('@HOME@', (& $escape $home_))
Set-Content -Path $definition -Value $text -Encoding UTF8

$service = Join-Path $folder 'posting-scheduler.exe'
& $service install
if ($LASTEXITCODE -ne 0) { throw "WinSW could not install the service (code $LASTEXITCODE)." }
& $service start
if ($LASTEXITCODE -ne 0) { throw "The service was installed but did not start (code $LASTEXITCODE): look into $home_\logs." }
Write-Output "Installed and started for $home_. How it is: .\status.ps1 -SchedulerHome `"$home_`""
